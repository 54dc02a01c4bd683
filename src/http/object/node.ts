import type { NodeStatus, NodeTypeStatus } from "../../control/fleet.ts";
import { type Resource } from "../../core/resource/resource.ts";
import { resourceOf, type Snapshot } from "../../core/snapshot/snapshot.ts";
import type { Codec } from "../../envoy/codec.ts";
import type { NodeConfigObject, NodeObject } from "../contract.ts";
import { versioned } from "../versioned.ts";

/** A node alone: with what it is built with, which is too long for lists. */
export function wholeNodeObject(node: NodeStatus): NodeObject {
  const { extensions } = node.identity;
  if (extensions === undefined) return nodeObject(node);
  const lists = Object.entries(extensions).map(([category, names]) => [category, [...names]]);
  return { ...nodeObject(node), extensions: Object.fromEntries(lists) };
}

/** A node as lists of the API show it. */
export function nodeObject(node: NodeStatus): NodeObject {
  const { identity } = node;
  return versioned({
    id: identity.id,
    cluster: identity.cluster,
    group: node.wanted?.group ?? "",
    labels: { ...identity.labels },
    zone: identity.zone,
    envoy: identity.envoyVersion,
    connected: node.connected,
    since: new Date(node.since).toISOString(),
    state: node.state,
    ...(node.unmatched === undefined ? {} : { reason: node.unmatched }),
    revision: revisionOf(node),
    types: Object.fromEntries([...node.types].map(([typeUrl, type]) => [typeUrl, typeObject(type)])),
  });
}

function typeObject({ refused, ...type }: NodeTypeStatus): NodeObject["types"][string] {
  return refused === undefined ? type : { ...type, refused: [...refused] };
}

/** What a node should have, resource by resource, beside what it last acknowledged whole. */
export function nodeConfigObject(node: NodeStatus, codec: Codec): NodeConfigObject {
  const wanted = node.wanted?.snapshot;
  const acked = node.acked?.snapshot;
  const resources = [...resourcesOf(wanted), ...resourcesOf(acked).filter((one) => !has(wanted, one))].map((one) => ({
    typeUrl: one.typeUrl,
    name: one.name,
    wanted: has(wanted, one) ? one.version : null,
    acked: (acked === undefined ? undefined : resourceOf(acked, one.typeUrl, one.name)?.version) ?? null,
    config: has(wanted, one) ? { ...codec.decodeRedacted(one.typeUrl, one.bytes) } : null,
  }));
  const { id } = node.identity;
  return versioned({ id, group: node.wanted?.group ?? "", revision: revisionOf(node), resources });
}

function revisionOf(node: NodeStatus): NodeObject["revision"] {
  return { wanted: node.wanted?.revision ?? null, acked: node.acked?.revision ?? null };
}

function resourcesOf(snapshot: Snapshot | undefined): Resource[] {
  return [...(snapshot?.types.values() ?? [])].flatMap(({ resources }) => [...resources.values()]);
}

function has(snapshot: Snapshot | undefined, { typeUrl, name }: Resource): boolean {
  return snapshot !== undefined && resourceOf(snapshot, typeUrl, name) !== undefined;
}
