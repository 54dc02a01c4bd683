import type { NodeStatus, NodeTypeStatus } from "../../control/fleet.ts";
import { type Resource } from "../../core/resource/resource.ts";
import { resourceOf, type Snapshot } from "../../core/snapshot/snapshot.ts";
import type { KnownSnapshot } from "../../core/xds/content.ts";
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
  const had = (typeUrl: string, name: string): string | null =>
    acked?.types.get(typeUrl)?.resources.get(name)?.version ?? null;
  const resources = resourcesOf(wanted).map(({ typeUrl, name, version, bytes }) => ({
    typeUrl,
    name,
    wanted: version,
    acked: had(typeUrl, name),
    config: { ...codec.decodeRedacted(typeUrl, bytes) },
  }));
  const gone = namesOf(acked).flatMap(([typeUrl, name]) => {
    if (wanted !== undefined && resourceOf(wanted, typeUrl, name) !== undefined) return [];
    return [{ typeUrl, name, wanted: null, acked: had(typeUrl, name), config: null }];
  });
  const { id } = node.identity;
  const group = node.wanted?.group ?? "";
  return versioned({ id, group, revision: revisionOf(node), resources: [...resources, ...gone] });
}

function revisionOf(node: NodeStatus): NodeObject["revision"] {
  return { wanted: node.wanted?.revision ?? null, acked: node.acked?.revision ?? null };
}

function resourcesOf(snapshot: Snapshot | undefined): Resource[] {
  return [...(snapshot?.types.values() ?? [])].flatMap(({ resources }) => [...resources.values()]);
}

function namesOf(snapshot: KnownSnapshot | undefined): [typeUrl: string, name: string][] {
  return [...(snapshot?.types ?? [])].flatMap(([typeUrl, { resources }]) =>
    [...resources.keys()].map((name): [string, string] => [typeUrl, name]),
  );
}
