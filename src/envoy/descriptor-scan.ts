import { fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** A serialised FileDescriptorSet in dependency order, or why the bytes give none, for the reader at 3 a.m. */
export type DescriptorScan = { readonly set: Uint8Array; readonly files: number } | { readonly problem: string };

/** Without it, what was read is not Envoy's API. */
const PROOF = "envoy/config/cluster/v3/cluster.proto";

/** The longest path of a .proto file that is looked for; Envoy's longest has about 120 characters. */
const LONGEST_NAME = 250;

/**
 * Finds the descriptors of Envoy's API in the bytes of an Envoy: every protobuf library links the serialised
 * FileDescriptorProto of each of its files into the program, uncompressed and with all options.
 */
export function scanDescriptors(binary: Uint8Array): DescriptorScan {
  const found = new Map<string, Found>();
  for (let dot = binary.indexOf(DOT); dot !== -1; dot = binary.indexOf(DOT, dot + 1)) {
    if (!isProtoSuffix(binary, dot)) continue;
    const start = startOfFile(binary, dot + PROTO.length);
    const file = start === undefined ? undefined : readFile(binary, start);
    if (file !== undefined && !found.has(file.name)) found.set(file.name, file);
  }
  if (!found.has(PROOF)) {
    return { problem: `this is no Envoy binary: Envoy's API is not in its ${binary.length} bytes` };
  }
  return orderedSet(found);
}

interface Found {
  readonly name: string;
  readonly imports: readonly string[];
  readonly bytes: Uint8Array;
}

const DOT = 0x2e;
const PROTO = new TextEncoder().encode(".proto");

function isProtoSuffix(binary: Uint8Array, dot: number): boolean {
  for (let i = 1; i < PROTO.length; i++) if (binary[dot + i] !== PROTO[i]) return false;
  return true;
}

/** A file begins with its name: field 1, the length, and that many characters of a path up to `end`. */
function startOfFile(binary: Uint8Array, end: number): number | undefined {
  const limit = Math.max(0, end - LONGEST_NAME);
  for (let at = end - 1; at >= limit && isPathCharacter(binary[at]); at--) {
    const length = end - at;
    const start = length < 0x80 ? at - 2 : at - 3;
    if (start >= 0 && binary[start] === NAME_TAG && readVarint(binary, start + 1).value === length) return start;
  }
  return undefined;
}

const NAME_TAG = 0x0a;

function isPathCharacter(byte: number | undefined): boolean {
  return byte !== undefined && byte > 0x20 && byte < 0x7f;
}

/** About one candidate in seven only looks like a file: decoding decides. */
function readFile(binary: Uint8Array, start: number): Found | undefined {
  const bytes = binary.subarray(start, endOfFile(binary, start));
  try {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    return isPlausible(file) ? { name: file.name, imports: file.dependency, bytes } : undefined;
  } catch {
    return undefined;
  }
}

/** A bare name is some other table's. */
function isPlausible(file: FileDescriptorProto): boolean {
  const { name, syntax, messageType, enumType, extension, service, dependency } = file;
  const holdsSomething = [messageType, enumType, extension, service, dependency].some((list) => list.length > 0);
  return name.endsWith(".proto") && holdsSomething && (syntax === "" || syntax === "proto2" || syntax === "proto3");
}

/** Fields of FileDescriptorProto; whatever follows the message in memory begins with another, or with the next name. */
const FILE_FIELDS: ReadonlySet<number> = new Set([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15]);

function endOfFile(binary: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const tag = readVarint(binary, at);
    const field = tag.value >>> 3;
    if (field !== 1 ? !FILE_FIELDS.has(field) : at !== start) return at;
    const end = endOfValue(binary, tag.end, tag.value & 7);
    if (end === undefined || end > binary.length) return at;
    at = end;
  }
}

function endOfValue(binary: Uint8Array, at: number, wireType: number): number | undefined {
  const varint = readVarint(binary, at);
  if (wireType === 0) return varint.end;
  return wireType === 2 ? varint.end + varint.value : undefined;
}

/** 32 bits are enough for tags and lengths; past the end of the bytes it reads zeros, which no field begins with. */
function readVarint(binary: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = binary[start + i] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: start + i + 1 };
  }
  return { value: 0, end: start + 5 };
}

/** Dependencies first, as registries want it, by name where that leaves a choice: the same binary gives the same set. */
function orderedSet(found: ReadonlyMap<string, Found>): DescriptorScan {
  const ordered: Found[] = [];
  const missing = new Set<string>();
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const file = found.get(name);
    if (file === undefined) {
      missing.add(name);
      return;
    }
    for (const dependency of file.imports) visit(dependency);
    ordered.push(file);
  };
  for (const name of [...found.keys()].sort()) visit(name);
  if (missing.size > 0)
    return { problem: `the API in this binary imports what is not in it: ${[...missing].join(", ")}` };
  return { set: joinFiles(ordered), files: ordered.length };
}

/** FileDescriptorSet has one field: repeated FileDescriptorProto file = 1. */
function joinFiles(files: readonly Found[]): Uint8Array {
  const parts = files.flatMap(({ bytes }) => [Uint8Array.of(NAME_TAG, ...varint(bytes.length)), bytes]);
  const set = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    set.set(part, at);
    at += part.length;
  }
  return set;
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
