import { hash } from "node:crypto";
import type { Digest } from "../core/resource/resource.ts";

/** What versions of content are made of, everywhere. */
export const sha256: Digest = (content) => hash("sha256", content, "hex");
