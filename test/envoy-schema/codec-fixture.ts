import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Digest } from "../../src/core/resource/resource.ts";
import type { Codec } from "../../src/envoy/codec.ts";
import { scanDescriptors } from "../../src/envoy/descriptor-scan.ts";
import { createCodec } from "../../src/envoy/json-codec.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** sha-256 in hex. */
export const digest: Digest = (content) => createHash("sha256").update(content).digest("hex");

let codec: Codec | undefined;

/** The codec of the built set, or of the Envoy at hand where nothing is built; made once for all tests of a process. */
export function testCodec(): Codec {
  codec ??= createCodec({ ...testSet(), digest });
  return codec;
}

/** The descriptor set that the tests use, and the version of the Envoy that it came from. */
export function testSet(): { set: Uint8Array; envoyVersion: string } {
  const built = join(ROOT, "dist", "envoy-api.binpb");
  if (existsSync(built)) {
    const about: unknown = JSON.parse(readFileSync(join(ROOT, "dist", "envoy-api.json"), "utf8"));
    return { set: readFileSync(built), envoyVersion: (about as { envoyVersion: string }).envoyVersion };
  }
  const binary = envoyBinary();
  if (binary === undefined)
    throw new Error("no dist/envoy-api.binpb and no Envoy: run npm run build, or set ENVOY_BIN");
  const scan = scanDescriptors(readFileSync(binary));
  if ("problem" in scan) throw new Error(scan.problem);
  const version = execFileSync(binary, ["--version"], { encoding: "utf8" });
  return { set: scan.set, envoyVersion: /\/(\d+\.\d+\.\d+[^/]*)\//.exec(version)?.[1] ?? "unknown" };
}

/** The Envoy of ENVOY_BIN, of this checkout, or of the path. */
export function envoyBinary(): string | undefined {
  const onPath = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "envoy"));
  const places = [process.env["ENVOY_BIN"] ?? "", join(ROOT, ".cache", "envoy", "envoy", "_bin", "envoy"), ...onPath];
  return places.find((place) => place !== "" && existsSync(place));
}
