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
  return (name) => {
    for (const { refs } of clusters.values()) {
      if (refs.some((ref) => ref.typeUrl === ENDPOINTS && ref.name === name)) return undefined;
    }
    return { typeUrl: ENDPOINTS, name, version: NONE_VERSION, bytes: clusterNameField(name), refs: [] };
  };
}

/** A ClusterLoadAssignment of which only `cluster_name`, field 1, is set. */
function clusterNameField(name: string): Uint8Array {
  const text = utf8(name);
  const head = [0x0a];
  let length = text.length;
  while (length > 0x7f) {
    head.push((length & 0x7f) | 0x80);
    length >>>= 7;
  }
  return Uint8Array.from([...head, length, ...text]);
}

function utf8(text: string): number[] {
  const escaped = encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, "\ufffd"));
  return [...escaped.matchAll(/%([0-9A-F]{2})|(.)/g)].map(([, hex, plain]) =>
    hex === undefined ? (plain ?? "").charCodeAt(0) : Number.parseInt(hex, 16),
  );
}
