import { WRITE_ORDER } from "../core/resource/type-url.ts";
import type { Dialect } from "../core/xds/message.ts";
import type { RpcShape } from "./access.ts";
import { RPC_SHAPES } from "./access.ts";

/** Why streams end: `client` is the client's own end, or that of its connection. */
export const STREAM_END_REASONS = [
  "client",
  /** It took nothing of what was written for too long. */
  "stalled",
  /** `authorize` refused it. */
  "refused",
  /** It sent what no client may. */
  "invalid",
  /** The server was not ready, or failed. */
  "unavailable",
  /** It had reached its age, and was in order. */
  "aged",
  /** The server was closing. */
  "drained",
] as const;
export type StreamEndReason = (typeof STREAM_END_REASONS)[number];

/** Upper bounds of the buckets of latencies, in milliseconds; beyond the last there is one more. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
];

/** Types that Belay does not know are counted together under this. */
export const OTHER_TYPES = "other";

/** What has been counted of one type since the process started. */
export interface TypeCounts {
  /** Responses that were written, and their bytes without those of HTTP/2. */
  responses: number;
  bytes: number;
  /** Bodies that were made into bytes: one for all streams in the same state. */
  encodes: number;
  acks: number;
  nacks: number;
  /** From the moment that a node's view changed to the ACK of the response with that change. */
  readonly pushToAck: LatencyCounts;
}

/** Latencies, by bucket; not cumulative. */
export interface LatencyCounts {
  count: number;
  sumMs: number;
  /** One for each of `LATENCY_BOUNDS_MS`, and one for what took longer. */
  readonly buckets: number[];
}

/** What a server of xDS counts: numbers in closed lists, one addition each where something happens. */
export class XdsCounters {
  /** Streams that are open. */
  readonly streams: Record<Dialect, number> = { sotw: 0, delta: 0 };
  readonly ended = zeros(STREAM_END_REASONS);
  /** Calls that `authorize` refused. */
  readonly denied: Record<RpcShape, number> = zeros(RPC_SHAPES);
  /** Streams that were turned away at the door, because too many came at once. */
  throttled = 0;
  /** Views of nodes that a newer one overtook before all of their change had been sent. */
  overtaken = 0;
  /** By type URL, in the order of writing; the last is for all others. */
  readonly types: ReadonlyMap<string, TypeCounts> = new Map(
    [...WRITE_ORDER, OTHER_TYPES].map((typeUrl) => [typeUrl, newCounts()]),
  );
  readonly #other = this.types.get(OTHER_TYPES) as TypeCounts;

  /** A response was written, of so many bytes, which it gives back. */
  wrote(typeUrl: string, bytes: number): number {
    const counts = this.of(typeUrl);
    counts.responses += 1;
    counts.bytes += bytes;
    return bytes;
  }

  of(typeUrl: string): TypeCounts {
    return this.types.get(typeUrl) ?? this.#other;
  }
}

/** Counts one latency. */
export function observe(latencies: LatencyCounts, ms: number): void {
  let index = 0;
  while (index < LATENCY_BOUNDS_MS.length && ms > (LATENCY_BOUNDS_MS[index] as number)) index += 1;
  latencies.buckets[index] = (latencies.buckets[index] ?? 0) + 1;
  latencies.count += 1;
  latencies.sumMs += ms;
}

function newCounts(): TypeCounts {
  const buckets = [...LATENCY_BOUNDS_MS, Number.POSITIVE_INFINITY].map(() => 0);
  return { responses: 0, bytes: 0, encodes: 0, acks: 0, nacks: 0, pushToAck: { count: 0, sumMs: 0, buckets } };
}

function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}
