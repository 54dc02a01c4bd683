import { sharedExtensions } from "../control/node-extensions.ts";
import type { NodeExtensions, NodeIdentity } from "../core/node/node.ts";
import { RepeatedRuns } from "./repeated.ts";
import { bytesTag, WireReader } from "./wire.ts";

/** Tags of what Belay reads of an Envoy's node (`proto/envoy/service/discovery/v3/discovery.proto`). */
const NODE = { id: bytesTag(1), cluster: bytesTag(2), metadata: bytesTag(3), locality: bytesTag(4) };
const EXTENSION = bytesTag(9);
/** Of an Extension. */
const EXTENSION_NAME = bytesTag(1);
const EXTENSION_CATEGORY = bytesTag(2);
const AGENT = { version: bytesTag(7), build: bytesTag(8) };
const FIRST = bytesTag(1);
const KEY = bytesTag(1);
const VALUE = bytesTag(2);
const ZONE = bytesTag(2);
const STRING_VALUE = bytesTag(3);

/** Reads who a node is out of the tens of kilobytes that an Envoy sends. Throws where the bytes are no Node. */
export function readNode(bytes: Buffer): NodeIdentity {
  const node = { id: "", cluster: "", zone: "", said: "", built: "" };
  const labels: [string, string][] = [];
  let extensions: NodeExtensions | undefined;
  const reader = new WireReader(bytes);
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    if (tag === NODE.id) node.id = reader.text();
    else if (tag === NODE.cluster) node.cluster = reader.text();
    else if (tag === NODE.metadata) readLabels(reader.message(), labels);
    else if (tag === NODE.locality) node.zone = textOf(reader.message(), ZONE);
    else if (tag === AGENT.version) node.said = reader.text();
    else if (tag === AGENT.build) node.built = readBuild(reader.message());
    else if (tag === EXTENSION) extensions = readExtensions(reader) ?? extensions;
    else reader.skip(tag);
  }
  const sorted = Object.fromEntries(labels.sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    id: node.id,
    cluster: node.cluster,
    labels: sorted,
    zone: node.zone,
    envoyVersion: node.built === "" ? node.said : node.built,
    ...(extensions === undefined ? {} : { extensions }),
  };
}

/** Envoys of one build send the same tens of kilobytes: they are compared, and read once. */
const knownExtensions = new RepeatedRuns<NodeExtensions>();

/** The run of entries that begins at the reader, whose tag it has read. */
function readExtensions(reader: WireReader): NodeExtensions | undefined {
  const { bytes, end } = reader;
  const from = reader.at - 1;
  const known = knownExtensions.find(bytes, from, end);
  if (known !== undefined) {
    reader.at = known.end;
    return known.value;
  }
  const pairs: [string, string][] = [];
  do pairs.push(readExtension(reader.message()));
  while (isNext(reader, EXTENSION));
  const list = sharedExtensions(pairs);
  if (list !== undefined) knownExtensions.remember(bytes, from, reader.at, list);
  return list;
}

function readExtension(extension: WireReader): [category: string, name: string] {
  let category = "";
  let name = "";
  for (let tag = extension.next(); tag !== 0; tag = extension.next()) {
    if (tag === EXTENSION_NAME) name = extension.text();
    else if (tag === EXTENSION_CATEGORY) category = extension.text();
    else extension.skip(tag);
  }
  return [category, name];
}

/** Does another entry with the tag follow? Then its value is next. */
function isNext(reader: WireReader, tag: number): boolean {
  if (reader.at >= reader.end || reader.bytes[reader.at] !== tag) return false;
  reader.at += 1;
  return true;
}

/** The strings at the top of `metadata`: a google.protobuf.Struct. */
function readLabels(struct: WireReader, labels: [string, string][]): void {
  for (let tag = struct.next(); tag !== 0; tag = struct.next()) {
    if (tag !== FIRST) {
      struct.skip(tag);
      continue;
    }
    const entry = struct.message();
    let key = "";
    let value: string | undefined;
    for (let part = entry.next(); part !== 0; part = entry.next()) {
      if (part === KEY) key = entry.text();
      else if (part === VALUE) value = readString(entry.message());
      else entry.skip(part);
    }
    if (value !== undefined) labels.push([key, value]);
  }
}

/** A google.protobuf.Value that is a string; undefined where it is something else. */
function readString(value: WireReader): string | undefined {
  let text: string | undefined;
  for (let tag = value.next(); tag !== 0; tag = value.next()) {
    if (tag === STRING_VALUE) text = value.text();
    else value.skip(tag);
  }
  return text;
}

function textOf(message: WireReader, field: number): string {
  let text = "";
  for (let tag = message.next(); tag !== 0; tag = message.next()) {
    if (tag === field) text = message.text();
    else message.skip(tag);
  }
  return text;
}

/** `1.40.0` of a BuildVersion; empty where it has no version. */
function readBuild(build: WireReader): string {
  let version = "";
  for (let tag = build.next(); tag !== 0; tag = build.next()) {
    if (tag === FIRST) version = readNumbers(build.message()).join(".");
    else build.skip(tag);
  }
  return version;
}

/** Major, minor and patch: the fields 1 to 3 of a SemanticVersion, all varints. */
function readNumbers(version: WireReader): readonly number[] {
  const numbers = [0, 0, 0];
  for (let tag = version.next(); tag !== 0; tag = version.next()) {
    const field = tag >>> 3;
    if ((tag & 7) === 0 && field <= numbers.length) numbers[field - 1] = version.varint();
    else version.skip(tag);
  }
  return numbers;
}
