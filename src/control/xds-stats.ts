import type { Dialect } from "../core/xds/message.ts";
import type { RpcShape } from "./access.ts";
import type { NodeEntry } from "./node-entry.ts";
import type { StreamEndReason, XdsCounters } from "./xds-counters.ts";
import { LATENCY_BOUNDS_MS } from "./xds-counters.ts";

/** What a server of xDS has counted of one type since it was made. */
export interface XdsTypeStats {
  /** Responses that were written on streams and for single fetches, and their bytes. */
  readonly responses: number;
  readonly bytes: number;
  /** Responses that were made into bytes: all streams in the same state share one. */
  readonly encodes: number;
  readonly acks: number;
  readonly nacks: number;
  /** From a change of what a node should have to its ACK, in milliseconds. */
  readonly pushToAck: {
    readonly count: number;
    readonly sumMs: number;
    /** Cumulative: how many took at most `leMs`; the last is for all. */
    readonly buckets: readonly { readonly leMs: number; readonly count: number }[];
  };
}

/** What a server of xDS has done since it was made, and what is open now. Nothing in it grows with nodes or names. */
export interface XdsStats {
  /** Open now. */
  readonly streams: Readonly<Record<Dialect, number>>;
  readonly ended: Readonly<Record<StreamEndReason, number>>;
  /** Calls that `authorize` refused. */
  readonly denied: Readonly<Record<RpcShape, number>>;
  /** Streams that were turned away because too many came at once. */
  readonly throttled: number;
  /** Changes of what a node should have that a newer one overtook before they were sent. */
  readonly overtaken: number;
  /** Resources, by stream, that were refused and are not sent again by themselves: now. */
  readonly parked: number;
  /** Resources, by stream, that are gone and held back until nothing refers to them: now. */
  readonly heldRemovals: number;
  /** By type URL; types that Belay does not know are together under `other`. */
  readonly types: Readonly<Record<string, XdsTypeStats>>;
}

/** The counters as they are now, with what is looked up in the streams that are open. */
export function xdsStats(counters: XdsCounters, entries: Iterable<NodeEntry>): XdsStats {
  const { streams, ended, denied, throttled, overtaken, types } = counters;
  return {
    streams: { ...streams },
    ended: { ...ended },
    denied: { ...denied },
    throttled,
    overtaken,
    ...backlogOf(entries),
    types: Object.fromEntries(
      [...types].map(([typeUrl, { pushToAck, ...counts }]) => [
        typeUrl,
        { ...counts, pushToAck: { ...pushToAck, buckets: cumulative(pushToAck.buckets) } },
      ]),
    ),
  };
}

function cumulative(buckets: readonly number[]): readonly { leMs: number; count: number }[] {
  let sum = 0;
  return buckets.map((count, index) => {
    sum += count;
    return { leMs: LATENCY_BOUNDS_MS[index] ?? Number.POSITIVE_INFINITY, count: sum };
  });
}

function backlogOf(entries: Iterable<NodeEntry>): { parked: number; heldRemovals: number } {
  let parked = 0;
  let heldRemovals = 0;
  for (const { streams } of entries) {
    for (const { stream } of streams) {
      if (stream === undefined) continue;
      for (const state of stream.types.values()) parked += state.parked.size;
      for (const held of stream.removals.values()) heldRemovals += held.size;
    }
  }
  return { parked, heldRemovals };
}
