import { createHash } from "node:crypto";
import type { Dialect } from "../xds/wire.ts";
import { METHODS } from "../xds/wire.ts";

const TYPE = "type.googleapis.com/envoy.config";

export const CLUSTER = `${TYPE}.cluster.v3.Cluster`;
export const ENDPOINTS = `${TYPE}.endpoint.v3.ClusterLoadAssignment`;
export const LISTENER = `${TYPE}.listener.v3.Listener`;
export const ROUTES = `${TYPE}.route.v3.RouteConfiguration`;

/** In the order in which an Envoy asks for them. */
export const TYPES = [CLUSTER, ENDPOINTS, LISTENER, ROUTES] as const;

const SERVICES: Readonly<Record<string, readonly [string, string]>> = {
  [CLUSTER]: ["cluster.v3.ClusterDiscoveryService", "Clusters"],
  [ENDPOINTS]: ["endpoint.v3.EndpointDiscoveryService", "Endpoints"],
  [LISTENER]: ["listener.v3.ListenerDiscoveryService", "Listeners"],
  [ROUTES]: ["route.v3.RouteDiscoveryService", "Routes"],
};

/** The path of a type's own service, or of ADS where no type is given. */
export function pathOf(dialect: Dialect, typeUrl?: string): string {
  if (typeUrl === undefined) return METHODS[dialect];
  const [service, plural] = SERVICES[typeUrl] ?? ["", ""];
  return `/envoy.service.${service}/${dialect === "sotw" ? "Stream" : "Delta"}${plural}`;
}

/** The path of a type's unary method. */
export function fetchPathOf(typeUrl: string): string {
  const [service, plural] = SERVICES[typeUrl] ?? ["", ""];
  return `/envoy.service.${service}/Fetch${plural}`;
}

/** A resource of a response. */
export interface Received {
  readonly hash: string;
  readonly version: string;
}

/** A response, read whole. */
export interface Answer {
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
  /** By name; SotW says no versions of resources. */
  readonly resources: ReadonlyMap<string, Received>;
  readonly removed: readonly string[];
}

/** Field 4 of a delta request: names that are not wanted any more. */
export function encodeUnsubscribed(names: readonly string[]): Buffer {
  return Buffer.concat(names.map((name) => field(4, Buffer.from(name))));
}

/** A length-delimited field with a number below 16. */
export function field(number: number, value: Buffer): Buffer {
  const head = [(number << 3) | 2];
  let rest = value.length;
  for (; rest > 127; rest >>>= 7) head.push((rest & 127) | 128);
  head.push(rest);
  return Buffer.concat([Buffer.from(head), value]);
}

/** Reads a response of either dialect. */
export function readAnswer(dialect: Dialect, message: Buffer): Answer {
  const resources = new Map<string, Received>();
  const removed: string[] = [];
  let [typeUrl, version, nonce] = ["", "", ""];
  for (const [number, value] of fieldsOf(message)) {
    if (number === 1) version = value.toString();
    else if (number === 2) resources.set(...(dialect === "delta" ? named(value) : anonymous(value)));
    else if (number === 4) typeUrl = value.toString();
    else if (number === 5) nonce = value.toString();
    else if (number === 6 && dialect === "delta") removed.push(value.toString());
  }
  return { typeUrl, version, nonce, resources, removed };
}

/** A resource of a delta response: it says its name. */
function named(resource: Buffer): [string, Received] {
  let [name, hash, version] = ["", "", ""];
  for (const [number, value] of fieldsOf(resource)) {
    if (number === 3) name = value.toString();
    else if (number === 2) hash = hashOf(contentOf(value));
    else if (number === 1) version = value.toString();
  }
  return [name, { hash, version }];
}

/** A resource of a SotW response: its name is the first field of each of the types that are asked for here. */
function anonymous(any: Buffer): [string, Received] {
  const content = contentOf(any);
  const received = { hash: hashOf(content), version: "" };
  for (const [number, value] of fieldsOf(content)) if (number === 1) return [value.toString(), received];
  return ["", received];
}

/** The content of a google.protobuf.Any. */
function contentOf(any: Buffer): Buffer {
  let content: Buffer = Buffer.alloc(0);
  for (const [number, value] of fieldsOf(any)) if (number === 2) content = value;
  return content;
}

/** What is compared of a resource's content. */
export function hashOf(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest("base64");
}

/** The length-delimited fields of a message; others are passed over. */
function* fieldsOf(message: Buffer): Generator<[number, Buffer]> {
  let at = 0;
  const varint = (): number => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = message[at];
      if (byte === undefined) throw new Error("a response ends in the middle of a field");
      at += 1;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const type = tag & 7;
    if (type === 2) {
      const size = varint();
      at += size;
      yield [Math.floor(tag / 8), message.subarray(at - size, at)];
    } else if (type === 0) varint();
    else at += type === 1 ? 8 : 4;
  }
}
