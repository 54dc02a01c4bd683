import { fileURLToPath } from "node:url";
import { type FoundEnvoy, findEnvoy } from "../../src/proxy/find-envoy.ts";

const INSTALLED = fileURLToPath(new URL("../../.cache/envoy-1.36.4/envoy/_bin/envoy", import.meta.url));

/** The older Envoy that `npm test` provides: `ENVOY_BIN_OLD`, else the one that it has installed, or why there is none. */
export async function findOldEnvoy(): Promise<FoundEnvoy> {
  const found = await findEnvoy({ ENVOY_BIN: process.env["ENVOY_BIN_OLD"] || INSTALLED });
  return "missing" in found ? { missing: "no older Envoy in ENVOY_BIN_OLD, or installed by npm test" } : found;
}
