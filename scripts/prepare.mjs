// @ts-check
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { provideEnvoy } from "./envoy.mjs";
import { installPackages, nodeProblem } from "./packages.mjs";
import { must, ROOT, StepFailed, step } from "./steps.mjs";

/** @typedef {import("./envoy.mjs").Envoy} Envoy */

const DIST = join(ROOT, "dist");
const STAMP = join(ROOT, ".cache", "build.sha256");

/**
 * Brings a checkout to where the program can run: packages, an Envoy, the build. What is up to date is skipped without a
 * word, what was interrupted is done again.
 *
 * @param {{ packages?: boolean }} [options] `packages: false` leaves node_modules as it is
 * @returns {Promise<Envoy>}
 */
export async function prepare({ packages = true } = {}) {
  const problem = nodeProblem();
  if (problem !== undefined) throw new StepFailed(problem);
  if (packages) await installPackages();
  const envoy = await provideEnvoy();
  await build(envoy);
  return envoy;
}

/**
 * Compiles and writes Envoy's schema, where anything that they are made from has changed.
 *
 * @param {Envoy} envoy
 */
async function build(envoy) {
  const key = buildKey(envoy);
  if (readStamp() === key && existsSync(join(DIST, "index.js"))) return;
  const from = envoy.path === undefined ? "without an Envoy" : `with Envoy ${envoy.version}`;
  await step(`Building (${from})`, async () => {
    rmSync(STAMP, { force: true });
    await must(process.execPath, [join(ROOT, "node_modules", "typescript", "bin", "tsc"), "-p", ROOT]);
    removeLeftovers();
    await writeSchema(envoy);
    mkdirSync(dirname(STAMP), { recursive: true });
    writeFileSync(STAMP, key);
  });
}

/** @param {Envoy} envoy */
async function writeSchema(envoy) {
  const script = join(ROOT, "scripts", "build-schema.mjs");
  if (!existsSync(script)) return;
  await must(process.execPath, [script], { env: { ...process.env, ENVOY_BIN: envoy.path ?? "" } });
}

/**
 * Names, sizes and times of everything that the build reads: reading the contents would take longer than it saves.
 *
 * @param {Envoy} envoy
 */
function buildKey(envoy) {
  const inputs = [
    ...filesUnder(join(ROOT, "src")),
    ...filesUnder(join(ROOT, "scripts")),
    ...["tsconfig.json", "package-lock.json"].map((name) => join(ROOT, name)),
    ...(envoy.path === undefined ? [] : [envoy.path]),
  ];
  const hash = createHash("sha256");
  for (const path of inputs.sort()) {
    if (!existsSync(path)) continue;
    const { mtimeMs, size } = statSync(path);
    hash.update(`${path} ${mtimeMs} ${size}\n`);
  }
  return hash.digest("hex");
}

/** JavaScript in dist/ whose source is gone would still be importable, and so hide a mistake. */
function removeLeftovers() {
  for (const path of filesUnder(DIST)) {
    const source = /^(.*?)\.(?:js|d\.ts)$/.exec(relative(DIST, path))?.[1];
    if (source !== undefined && !existsSync(join(ROOT, "src", `${source}.ts`))) rmSync(path);
  }
}

/** @param {string} folder */
function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function readStamp() {
  return existsSync(STAMP) ? readFileSync(STAMP, "utf8") : undefined;
}
