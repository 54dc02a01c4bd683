import { closeSync, openSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256 } from "../control/sha256.ts";
import { ControlError } from "../core/failure/control-error.ts";
import type { Codec } from "../envoy/codec.ts";
import { scanDescriptors } from "../envoy/descriptor-scan.ts";
import { growingCodec } from "../envoy/growing-codec.ts";
import { createCodec } from "../envoy/json-codec.ts";

/** Where the API comes from: a FileDescriptorSet, or an Envoy binary; without either, from the set of the build. */
export interface SchemaSource {
  readonly descriptorSet?: string;
  readonly envoy?: string;
}

// The same folder from src/file/ and from dist/file/.
const BUILT_SET = fileURLToPath(new URL("../../dist/envoy-api.binpb", import.meta.url));
const BUILT_PART = fileURLToPath(new URL("../../dist/envoy-api-part.binpb", import.meta.url));
const BUILT_ABOUT = fileURLToPath(new URL("../../dist/envoy-api.json", import.meta.url));

const VERSION_TIMEOUT_MS = 20_000;

/**
 * The codec of a fleet's Envoy, of a descriptor set, or of the Envoy that the build found. Nothing is cached: to read
 * an Envoy of 107 MB takes about 0.2 s, and its hash would take as long.
 *
 * @throws ControlError `invalid` with what to do, for a file that is missing or is not what it should be
 */
export async function loadCodec({ descriptorSet, envoy }: SchemaSource = {}): Promise<Codec> {
  if (descriptorSet !== undefined) return fromSetFile(descriptorSet);
  return envoy === undefined ? builtCodec() : fromEnvoy(envoy);
}

let built: Codec | undefined;

/**
 * The codec of the Envoy that the build found; made once, at the first call, with the part of its API that most meshes need.
 *
 * @throws ControlError `invalid` where nothing has been built
 */
export function builtCodec(): Codec {
  built ??= openBuilt();
  return built;
}

/**
 * Both sets are opened now: a later build may replace the files of a program that runs. The whole one is not read before
 * it is needed, which for most programs is never.
 */
function openBuilt(): Codec {
  const { part, set, envoyVersion } = readBuilt();
  const codecOf = (files: Uint8Array): Codec => createCodec({ set: files, envoyVersion, digest: sha256 });
  return growingCodec(codecOf(part), () => codecOf(readOpened(set)));
}

function readBuilt(): { part: Uint8Array; set: number; envoyVersion: string } {
  try {
    const envoyVersion = versionIn(readFileSync(BUILT_ABOUT, "utf8"));
    return { part: readFileSync(BUILT_PART), set: openSync(BUILT_SET, "r"), envoyVersion };
  } catch (error) {
    if (error instanceof ControlError) throw error;
    const what = "Envoy's API has not been read out of an Envoy yet: run npm run build, or name one with --envoy";
    throw new ControlError("invalid", `${what} (${BUILT_SET}: ${codeOf(error)})`, { cause: error });
  }
}

function readOpened(file: number): Uint8Array {
  try {
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

async function fromSetFile(path: string): Promise<Codec> {
  const set = await read(path, "the descriptor set");
  return createCodec({ set, envoyVersion: `descriptor set ${basename(path)}`, digest: sha256 });
}

async function fromEnvoy(path: string): Promise<Codec> {
  const [binary, envoyVersion] = await Promise.all([read(path, "the Envoy"), versionOf(path)]);
  const scan = scanDescriptors(binary);
  if ("problem" in scan) throw new ControlError("invalid", `${path}: ${scan.problem}`);
  return createCodec({ set: scan.set, envoyVersion, digest: sha256 });
}

async function read(path: string, what: string): Promise<Uint8Array> {
  return readFile(path).catch((error: unknown) => {
    throw new ControlError("invalid", `${what} ${path} cannot be read (${codeOf(error)})`, { cause: error });
  });
}

function versionIn(about: string): string {
  const version = /"envoyVersion":\s*"([^"\\]+)"/.exec(about)?.[1];
  if (version !== undefined) return version;
  throw new ControlError("invalid", `${BUILT_ABOUT} does not say which Envoy the API is of: run npm run build`);
}

/** An Envoy of another system can be read, too, though not run: its version is then not known. */
async function versionOf(path: string): Promise<string> {
  // Loaded here, for it takes 0.7 MB and few programs begin with an Envoy.
  const { execFile } = await import("node:child_process");
  return new Promise((resolve) => {
    execFile(path, ["--version"], { timeout: VERSION_TIMEOUT_MS }, (_error, stdout) => {
      resolve(/version: [0-9a-f]+\/([^/\s]+)\//.exec(stdout)?.[1] ?? `of ${basename(path)}`);
    });
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
