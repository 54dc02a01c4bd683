import type { Resource } from "../resource/resource.ts";
import { CLUSTER, ENDPOINTS } from "../resource/type-url.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { TypeState } from "./type-state.ts";

/** The version of endpoints that are said to be none; no content hash and no version that anyone gives is like it. */
const NONE_VERSION = "none";

/**
 * Empty endpoints under a name that nothing in the view refers to, in the one case in which they are missed: a state-of-
 * the-world Envoy that comes back with a cluster still warming asks for its endpoints and, until it has them, not for
 * clusters (rules R4, R6). Once it has asked for clusters it learns what to do with them from those, and endpoints that are
 * in use are never emptied.
 */
export function absentEndpoints(
  types: ReadonlyMap<string, TypeState>,
  view: Snapshot,
): ((name: string) => Resource | undefined) | undefined {
  const clusters = view.types.get(CLUSTER)?.resources;
  if (clusters === undefined || types.get(CLUSTER)?.subscription !== undefined) return undefined;
  let inUse: ReadonlySet<string> | undefined;
  return (name) => {
    inUse ??= endpointsOf(clusters.values());
    if (inUse.has(name)) return undefined;
    return { typeUrl: ENDPOINTS, name, version: NONE_VERSION, bytes: clusterNameField(name), refs: [] };
  };
}

function endpointsOf(clusters: Iterable<Resource>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { refs } of clusters) for (const { typeUrl, name } of refs) if (typeUrl === ENDPOINTS) names.add(name);
  return names;
}

/** A ClusterLoadAssignment of which only `cluster_name`, field 1, is set. An Envoy may ask for a hundred thousand. */
function clusterNameField(name: string): Uint8Array {
  const text = utf8(name);
  const bytes = new Uint8Array(1 + varintLength(text.length) + text.length);
  let at = 0;
  bytes[at++] = 0x0a;
  for (let length = text.length; ; length >>>= 7) {
    bytes[at++] = length > 0x7f ? (length & 0x7f) | 0x80 : length;
    if (length <= 0x7f) break;
  }
  bytes.set(text, at);
  return bytes;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) length += 1;
  return length;
}

function utf8(text: string): Uint8Array {
  const plain = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return encoded(text);
    plain[at] = code;
  }
  return plain;
}

function encoded(text: string): Uint8Array {
  const escaped = encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, "\ufffd"));
  const codes = [...escaped.matchAll(/%([0-9A-F]{2})|(.)/g)].map(([, hex, plain]) =>
    hex === undefined ? (plain ?? "").charCodeAt(0) : Number.parseInt(hex, 16),
  );
  return Uint8Array.from(codes);
}
