import { isTypeConverged, isTypeRefused } from "../core/xds/convergence.ts";
import type { Stream } from "../core/xds/stream.ts";
import type { TypeState as StreamType } from "../core/xds/type-state.ts";
import type { NodeState, NodeStatus, NodeTypeStatus, RefusedResource } from "./fleet.ts";
import type { NodeEntry } from "./node-entry.ts";
import type { ScopedStream } from "./node-streams.ts";
import { tellingStreams } from "./node-streams.ts";

/** What is known of a node, from the streams that tell what it has. */
export function statusOf(entry: NodeEntry): NodeStatus {
  const types = new Map<string, NodeTypeStatus>();
  for (const { stream } of tellingStreams(entry.streams)) {
    for (const state of stream?.types.values() ?? []) {
      if (stream === undefined || state.subscription === undefined) continue;
      types.set(state.typeUrl, together(types.get(state.typeUrl), typeStatus(stream, state)));
    }
  }
  return {
    identity: entry.identity,
    connected: entry.streams.length > 0,
    since: entry.since,
    state: stateOf(entry),
    ...(entry.unmatched === undefined ? {} : { unmatched: entry.unmatched }),
    ...(entry.view === undefined ? {} : { wanted: entry.view }),
    ...(entry.acked === undefined ? {} : { acked: entry.acked }),
    types,
  };
}

/** The node as a whole; costs little, also where thousands are looked at. */
export function stateOf(entry: NodeEntry): NodeState {
  if (entry.streams.length === 0) return "LOST";
  if (entry.view === undefined) return "UNMATCHED";
  if (tellingStreams(entry.streams).some(hasRefused)) return "REFUSED";
  return entry.inSyncWith === entry.view ? "IN_SYNC" : "STALE";
}

function hasRefused({ stream }: ScopedStream): boolean {
  if (stream === undefined) return false;
  for (const state of stream.types.values()) if (isTypeRefused(stream, state)) return true;
  return false;
}

/** A type that a node asks for on several streams is as good as on the worst of them. */
function together(a: NodeTypeStatus | undefined, b: NodeTypeStatus): NodeTypeStatus {
  if (a === undefined) return b;
  const worse = WORST_FIRST.indexOf(a.state) < WORST_FIRST.indexOf(b.state) ? a : b;
  const version = b.version === "" ? a.version : b.version;
  const refused = [...(a.refused ?? []), ...(b.refused ?? [])].slice(0, REFUSED_LIMIT);
  return refused.length === 0 ? { ...worse, version } : { ...worse, version, refused };
}

const WORST_FIRST: readonly NodeTypeStatus["state"][] = ["ERROR", "STALE", "NOT_SENT", "SYNCED"];

function typeStatus(stream: Stream, state: StreamType): NodeTypeStatus {
  const version = state.ackedVersion;
  if (state.error !== undefined) {
    const refused = refusedOf(state);
    return { state: "ERROR", version, error: state.error, ...(refused.length > 0 && { refused }) };
  }
  if (isTypeConverged(stream, state)) return { state: "SYNCED", version };
  const untouched = state.nonce === "" && version === "";
  return { state: untouched ? "NOT_SENT" : "STALE", version };
}

/** Resources of a type that are listed one by one. */
const REFUSED_LIMIT = 100;

function refusedOf({ parked, refusal }: StreamType): readonly RefusedResource[] {
  const found: RefusedResource[] = [];
  const is = refusal?.isWhole === true ? "rolledBack" : "quarantined";
  for (const [name, { refused: version, good }] of refusal?.instead ?? []) {
    if (found.length >= REFUSED_LIMIT) return found;
    found.push({ name, version, is, instead: good?.version ?? "" });
  }
  for (const [name, version] of parked) {
    if (found.length >= REFUSED_LIMIT) return found;
    if (refusal?.instead.has(name) !== true) found.push({ name, version, is: "parked" });
  }
  return found;
}
