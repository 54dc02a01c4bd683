// @ts-check
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { npmProtos } from "./npm-protos.mjs";
import { main, ROOT, StepFailed } from "./steps.mjs";

/*
 * Writes Envoy's API to dist/envoy-api.binpb, a FileDescriptorSet, the part of it that a start needs to
 * dist/envoy-api-part.binpb, and to dist/envoy-api.json where they came from.
 * Runs after the compiler: the reader of binaries is the program's own.
 */

const DIST = join(ROOT, "dist");
const CHECKOUTS_OWN = join(ROOT, ".cache", "envoy", "envoy", "_bin", "envoy");

/** @typedef {{ set: Uint8Array, envoyVersion: string, source: string, sha256?: string }} Schema */

await main(async () => {
  const reader = join(DIST, "envoy", "descriptor-scan.js");
  if (!existsSync(reader)) throw new StepFailed("dist/ holds no build yet: run npm run build.");
  const { scanDescriptors } = await import(reader);
  const { openRegistry } = await import(join(DIST, "envoy", "registry.js"));
  const { usualPart } = await import(join(DIST, "envoy", "schema-part.js"));
  const path = findEnvoy();
  const schema = path === undefined ? fromNpm() : fromEnvoy(path, scanDescriptors);
  const types = [...openRegistry(schema.set)];
  const messages = types.filter((type) => type.kind === "message" && type.typeName.startsWith("envoy.")).length;
  const files = new Set(types.map((type) => type.file.name)).size;
  const { set, ...about } = schema;
  replace("envoy-api.binpb", set);
  replace("envoy-api-part.binpb", usualPart(set));
  replace("envoy-api.json", `${JSON.stringify({ ...about, messages, files }, undefined, 2)}\n`);
});

/** ENVOY_BIN, this checkout's own, or the one on the path. */
function findEnvoy() {
  const named = process.env.ENVOY_BIN ?? "";
  const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "envoy"));
  if (named !== "" && !isExecutable(named)) throw new StepFailed(`ENVOY_BIN names ${named}, which cannot be run.`);
  return [named, CHECKOUTS_OWN, ...onPath].find((path) => path !== "" && isExecutable(path));
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
 * @param {string} path
 * @param {(binary: Uint8Array) => { set: Uint8Array } | { problem: string }} scan
 * @returns {Schema}
 */
function fromEnvoy(path, scan) {
  const binary = readFileSync(path);
  const scanned = scan(binary);
  if ("problem" in scanned) throw new StepFailed(`${path}: ${scanned.problem}.`);
  const sha256 = createHash("sha256").update(binary).digest("hex");
  return { set: scanned.set, envoyVersion: versionOf(path), source: "Envoy binary", sha256 };
}

/** @param {string} path */
function versionOf(path) {
  const text = execFileSync(path, ["--version"], { encoding: "utf8", timeout: 20_000 });
  const version = /version: [0-9a-f]+\/([^/\s]+)\//.exec(text)?.[1];
  if (version === undefined) throw new StepFailed(`${path} does not answer to --version as an Envoy does.`);
  return version;
}

/** @returns {Schema} */
function fromNpm() {
  const { set, version, left } = npmProtos();
  process.stderr.write(
    `No Envoy was found: the API is that of @grpc/grpc-js-xds ${version}, about Envoy 1.31. Newer fields are left out, ` +
      `and ${left.length} files whose imports it lacks.\n`,
  );
  return { set, envoyVersion: `npm ${version}`, source: "@grpc/grpc-js-xds" };
}

/**
 * Half a file is never found by a program that starts meanwhile.
 *
 * @param {string} name
 * @param {Uint8Array | string} content
 */
function replace(name, content) {
  const partial = join(DIST, `.${name}.${process.pid}`);
  writeFileSync(partial, content);
  renameSync(partial, join(DIST, name));
}
