import type { RevisionRecord } from "../../core/journal/state.ts";
import type { Mesh } from "../../core/mesh/mesh.ts";
import type { Codec } from "../../envoy/codec.ts";
import type { RevisionDetail, RevisionObject } from "../contract.ts";

/** A revision as the API lists it. */
export function revisionObject(record: RevisionRecord): RevisionObject {
  return {
    n: record.n,
    parent: record.parent,
    status: record.status,
    at: record.at,
    by: record.asked.by,
    reason: record.asked.reason,
    source: record.source?.name ?? null,
    version: String(record.seq),
    allowedActions: record.status === "rolling" || record.status === "live" ? [] : ["rollOut"],
  };
}

/** The same with its mesh, the secrets in raw resources hidden. */
export function revisionDetail(record: RevisionRecord, mesh: Mesh, codec: Codec): RevisionDetail {
  return { ...revisionObject(record), mesh: { ...withoutSecrets(mesh, codec) } };
}

/** The mesh with everything in raw resources that Envoy's API marks as sensitive replaced. */
export function withoutSecrets(mesh: Mesh, codec: Codec): Mesh {
  const resources = mesh.resources.map(({ nodes, resource }) => {
    const encoded = codec.encode(resource);
    if ("problems" in encoded) return { nodes, resource: { "@type": resource["@type"], unreadable: true } };
    return { nodes, resource: codec.decodeRedacted(encoded.resource.typeUrl, encoded.resource.bytes) };
  });
  return { ...mesh, resources };
}
