import type { Metric, Registry } from "prom-client";
import { Counter, Gauge } from "prom-client";
import type { XdsStats, XdsTypeStats } from "../control/xds-stats.ts";
import { shortTypeName, WRITE_ORDER } from "../core/resource/type-url.ts";

const KNOWN: ReadonlySet<string> = new Set(WRITE_ORDER);

/** A client may ask for any type: those that nobody knows share a series. */
export function typeLabel(typeUrl: string): string {
  return KNOWN.has(typeUrl) ? shortTypeName(typeUrl) : "other";
}

/** One number, or one for each of a closed list. */
interface Described {
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge";
  /** The name of the label; undefined: none. */
  readonly label?: string;
  /** The values, by that of the label; the key of one alone is empty. */
  readonly values: (stats: XdsStats) => Readonly<Record<string, number>>;
}

function byType(pick: (stats: XdsTypeStats) => number): Described["values"] {
  return ({ types }) => Object.fromEntries(Object.entries(types).map(([url, stats]) => [typeLabel(url), pick(stats)]));
}

/** What the port of xDS does, in numbers. A test holds this list against `docs/metrics.md`. */
export const XDS_METRICS: readonly Described[] = [
  {
    name: "belay_xds_streams",
    help: "Streams of discovery that are open",
    kind: "gauge",
    label: "dialect",
    values: ({ streams }) => streams,
  },
  {
    name: "belay_xds_streams_ended_total",
    help: "Streams of discovery that ended",
    kind: "counter",
    label: "reason",
    values: ({ ended }) => ended,
  },
  {
    name: "belay_xds_streams_throttled_total",
    help: "Streams that were turned away because too many came at once",
    kind: "counter",
    values: ({ throttled }) => ({ "": throttled }),
  },
  {
    name: "belay_xds_denied_total",
    help: "Calls that were refused because of who called",
    kind: "counter",
    label: "rpc",
    values: ({ denied }) => denied,
  },
  {
    name: "belay_xds_responses_total",
    help: "Responses written",
    kind: "counter",
    label: "type",
    values: byType(({ responses }) => responses),
  },
  {
    name: "belay_xds_response_bytes_total",
    help: "Bytes of responses written",
    kind: "counter",
    label: "type",
    values: byType(({ bytes }) => bytes),
  },
  {
    name: "belay_xds_encodes_total",
    help: "Responses made into bytes; all streams in the same state share one",
    kind: "counter",
    label: "type",
    values: byType(({ encodes }) => encodes),
  },
  {
    name: "belay_xds_overtaken_total",
    help: "Changes for a node that a newer one overtook before they were sent",
    kind: "counter",
    values: ({ overtaken }) => ({ "": overtaken }),
  },
  {
    name: "belay_xds_parked",
    help: "Refused resources that are not sent again by themselves, over all streams",
    kind: "gauge",
    values: ({ parked }) => ({ "": parked }),
  },
  {
    name: "belay_xds_held_removals",
    help: "Removed resources that are held back while something refers to them, over all streams",
    kind: "gauge",
    values: ({ heldRemovals }) => ({ "": heldRemovals }),
  },
];

/** The latency of changes, which prom-client cannot take from elsewhere: it is written as it is read. */
export const PUSH_ACK = {
  name: "belay_xds_push_ack_seconds",
  help: "From a change of what a node should have to its ACK",
  label: "type",
} as const;

/**
 * Shows the numbers; `begin` is called at the beginning of each scrape. They are read once for all: some are looked up in
 * every stream that is open.
 */
export function addXdsMetrics(registry: Registry, read: () => XdsStats): { begin(): void } {
  let current: XdsStats | undefined;
  const stats = (): XdsStats => (current ??= read());
  for (const { name, help, kind, label, values } of XDS_METRICS) {
    const labelNames = label === undefined ? [] : [label];
    const labelsOf = (key: string): Record<string, string> => (label === undefined ? {} : { [label]: key });
    const entries = (): [string, number][] => Object.entries(values(stats()));
    const common = { name, help, labelNames, registers: [registry] };
    if (kind === "gauge") {
      new Gauge({
        ...common,
        collect() {
          for (const [key, value] of entries()) this.set(labelsOf(key), value);
        },
      });
    } else {
      new Counter({
        ...common,
        collect() {
          this.reset();
          for (const [key, value] of entries()) this.inc(labelsOf(key), value);
        },
      });
    }
  }
  registry.registerMetric(pushAckMetric(stats) as unknown as Metric);
  return {
    begin() {
      current = undefined;
    },
  };
}

function pushAckMetric(stats: () => XdsStats): object {
  const { name, help } = PUSH_ACK;
  const get = () => ({
    name,
    help,
    type: "histogram",
    aggregator: "sum",
    values: Object.entries(stats().types).flatMap(seriesOf),
  });
  return { name, help, type: "histogram", get: async () => get(), reset() {} };
}

interface Series {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

function seriesOf([typeUrl, { pushToAck }]: readonly [string, XdsTypeStats]): readonly Series[] {
  const type = typeLabel(typeUrl);
  const { count, sumMs, buckets } = pushToAck;
  return [
    ...buckets.map(({ leMs, count: value }) => ({
      metricName: `${PUSH_ACK.name}_bucket`,
      labels: { type, le: Number.isFinite(leMs) ? String(leMs / 1_000) : "+Inf" },
      value,
    })),
    { metricName: `${PUSH_ACK.name}_sum`, labels: { type }, value: sumMs / 1_000 },
    { metricName: `${PUSH_ACK.name}_count`, labels: { type }, value: count },
  ];
}
