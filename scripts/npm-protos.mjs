// @ts-check
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { clone, create, createFileRegistry, toBinary } from "@bufbuild/protobuf";
import * as wkt from "@bufbuild/protobuf/wkt";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import protobufjs from "protobufjs";
import { emitFile, symbolsOf } from "./emit-descriptor.mjs";
import { setOptions } from "./proto-options.mjs";
import { StepFailed } from "./steps.mjs";

/**
 * @typedef {{ name: string, proto: import("./emit-descriptor.mjs").Proto, imports: string[] }} Source
 * @typedef {import("@bufbuild/protobuf/wkt").FileDescriptorProto} FileProto
 */

const ROOTS = ["envoy-api", "xds", "protoc-gen-validate", "googleapis"];

/** What an Envoy would have: its API of version 3, and the types that only an Any names. */
const WANTED = /^(?:envoy\/.*\/v3\/|envoy\/annotations\/|envoy\/type\/|xds\/|udpa\/type\/|udpa\/annotations\/)/;

/**
 * Envoy's API out of the .proto text of @grpc/grpc-js-xds: the fallback where no Envoy can be had. Without a protobuf
 * compiler: protobufjs parses, and this writes descriptors.
 *
 * @returns {{ set: Uint8Array, version: string, left: string[] }} `left` are files that were left out, since an import
 *   of theirs is not in the package
 */
export function npmProtos() {
  const { folder, version } = findPackage();
  const known = wellKnownFiles();
  const sources = parseAll(folder, known);
  const left = leaveIncomplete(sources, known);
  const files = emitAll(sources, known);
  const set = create(FileDescriptorSetSchema, { file: inOrder(files) });
  setOptions(set, createFileRegistry(set), sources);
  return { set: toBinary(FileDescriptorSetSchema, set), version, left };
}

function findPackage() {
  try {
    const manifest = createRequire(import.meta.url).resolve("@grpc/grpc-js-xds/package.json");
    /** @type {{ version: string }} */
    const { version } = JSON.parse(readFileSync(manifest, "utf8"));
    return { folder: join(dirname(manifest), "deps"), version };
  } catch {
    throw new StepFailed("Envoy's API needs an Envoy (set ENVOY_BIN), or @grpc/grpc-js-xds, which npm ci installs.");
  }
}

/** @returns {Map<string, FileProto>} by name, e.g. `google/protobuf/any.proto` */
function wellKnownFiles() {
  const entries = Object.entries(wkt).filter(([name]) => name.startsWith("file_google_protobuf_"));
  const files = entries.map(([, value]) =>
    clone(FileDescriptorProtoSchema, /** @type {{ proto: FileProto }} */ (value).proto),
  );
  return new Map(files.map((file) => [file.name, file]));
}

/**
 * The wanted files and all that they import, each in a tree of its own so that they stay apart.
 *
 * @param {string} folder
 * @param {ReadonlyMap<string, FileProto>} known
 * @returns {Map<string, Source>}
 */
function parseAll(folder, known) {
  const paths = new Map(ROOTS.flatMap((root) => protosUnder(join(folder, root))));
  /** @type {Map<string, Source>} */
  const sources = new Map();
  const open = [...paths.keys()].filter((name) => WANTED.test(name));
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const path = paths.get(name);
    if (path === undefined || sources.has(name) || known.has(name)) continue;
    const text = readFileSync(path, "utf8");
    const root = new protobufjs.Root();
    const parsed = protobufjs.parse(text, root, { keepCase: true });
    const imports = [...(parsed.imports ?? []), ...(parsed.weakImports ?? [])];
    const syntax = /^\s*syntax\s*=\s*"(proto[23])"/m.exec(text)?.[1] ?? "proto2";
    sources.set(name, { name, imports, proto: { name, package: parsed.package ?? "", syntax, root } });
    open.push(...imports);
  }
  return sources;
}

/**
 * @param {string} root
 * @returns {[name: string, path: string][]}
 */
function protosUnder(root) {
  if (!existsSync(root)) throw new StepFailed(`@grpc/grpc-js-xds has no ${root} as it used to.`);
  const entries = readdirSync(root, { recursive: true, encoding: "utf8" });
  return entries
    .filter((name) => name.endsWith(".proto"))
    .map((name) => [name.replaceAll("\\", "/"), join(root, name)]);
}

/**
 * Removes what imports a file that is nowhere. A file that imports a removed one stays, without that import, as long as
 * it names no type of it.
 *
 * @param {Map<string, Source>} sources
 * @param {ReadonlyMap<string, FileProto>} known
 */
function leaveIncomplete(sources, known) {
  const there = (/** @type {string} */ name) => sources.has(name) || known.has(name);
  const left = [...sources.values()].filter(({ imports }) => !imports.every(there)).map(({ name }) => name);
  for (const name of left) sources.delete(name);
  for (let before = -1; before !== left.length; ) {
    before = left.length;
    const symbols = symbolsOf(
      [...sources.values()].map(({ proto }) => proto),
      [...known.values()],
    );
    for (const source of sources.values()) {
      source.imports = source.imports.filter(there);
      if (emitFile(source.proto, source.imports, symbols) !== undefined) continue;
      sources.delete(source.name);
      left.push(source.name);
    }
  }
  return left.sort();
}

/**
 * @param {ReadonlyMap<string, Source>} sources
 * @param {ReadonlyMap<string, FileProto>} known
 * @returns {Map<string, FileProto>}
 */
function emitAll(sources, known) {
  const symbols = symbolsOf(
    [...sources.values()].map(({ proto }) => proto),
    [...known.values()],
  );
  /** @type {Map<string, FileProto>} */
  const files = new Map();
  for (const [name, file] of known) files.set(name, file);
  for (const { name, proto, imports } of sources.values()) {
    const file = emitFile(proto, imports, symbols);
    if (file !== undefined) files.set(name, file);
  }
  return files;
}

/**
 * Dependencies first, as registries want it.
 *
 * @param {ReadonlyMap<string, FileProto>} files
 */
function inOrder(files) {
  /** @type {Set<FileProto>} */
  const ordered = new Set();
  /** @param {string} name */
  const visit = (name) => {
    const file = files.get(name);
    if (file === undefined || ordered.has(file)) return;
    for (const dependency of file.dependency) visit(dependency);
    ordered.add(file);
  };
  for (const name of [...files.keys()].sort()) visit(name);
  return [...ordered];
}
