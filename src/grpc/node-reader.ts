import type { NodeIdentity } from "../core/node/node.ts";
import { bytesTag, WireReader } from "./wire.ts";

/** Tags of what Belay reads of an Envoy's node (`proto/envoy/service/discovery/v3/discovery.proto`). */
const NODE = { id: bytesTag(1), cluster: bytesTag(2), metadata: bytesTag(3), locality: bytesTag(4) };
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
  const reader = new WireReader(bytes);
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    if (tag === NODE.id) node.id = reader.text();
    else if (tag === NODE.cluster) node.cluster = reader.text();
    else if (tag === NODE.metadata) readLabels(reader.message(), labels);
    else if (tag === NODE.locality) node.zone = textOf(reader.message(), ZONE);
    else if (tag === AGENT.version) node.said = reader.text();
    else if (tag === AGENT.build) node.built = readBuild(reader.message());
    else reader.skip(tag);
  }
  const sorted = Object.fromEntries(labels.sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    id: node.id,
    cluster: node.cluster,
    labels: sorted,
    zone: node.zone,
    envoyVersion: node.built === "" ? node.said : node.built,
  };
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
