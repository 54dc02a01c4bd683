import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export type FoundEnvoy = { readonly path: string; readonly version: string } | { readonly missing: string };

/** Where the build puts the Envoy that it installs, from the root of the package. */
export const INSTALLED_ENVOY = join(".cache", "envoy", "envoy", "_bin", "envoy");

const packageRoot = fileURLToPath(new URL("../..", import.meta.url));

/**
 * An Envoy that runs here: `ENVOY_BIN`, else `envoy` on the path, else the one that the build installed.
 * An `ENVOY_BIN` that does not run is reported, never passed over in silence for another version.
 */
export async function findEnvoy(env: NodeJS.ProcessEnv = process.env, root: string = packageRoot): Promise<FoundEnvoy> {
  const chosen = env["ENVOY_BIN"];
  if (chosen !== undefined && chosen !== "") {
    const version = await versionOf(chosen);
    return version === undefined
      ? { missing: `ENVOY_BIN is ${chosen}, which does not answer to --version as an Envoy does` }
      : { path: chosen, version };
  }
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const path of [...folders.map((folder) => join(folder, "envoy")), join(root, INSTALLED_ENVOY)]) {
    if (!(await executable(path))) continue;
    const version = await versionOf(path);
    if (version !== undefined) return { path, version };
  }
  return { missing: "no Envoy in ENVOY_BIN, on the path, or installed by the build" };
}

async function executable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** `1.40.0` out of `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`. */
function versionOf(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(path, ["--version"], { timeout: 20_000 }, (error, stdout) => {
      resolve(error === null ? /version: [0-9a-f]+\/([^/\s]+)\//.exec(stdout)?.[1] : undefined);
    });
  });
}
