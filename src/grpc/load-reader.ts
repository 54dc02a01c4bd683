import type { ClusterReport } from "../core/load/report.ts";
import { joinReports } from "../core/load/report.ts";
import { bytesTag, varintTag, WireReader } from "./wire.ts";

/** A message of LRS. */
export interface LoadMessage {
  /** 61 KB from an Envoy, in every message: looked into only in the first. */
  readonly node: Buffer | undefined;
  readonly clusters: readonly ClusterReport[];
}

/** Clusters of one report that are read; no Envoy that works has more. */
const MAX_CLUSTERS = 10_000;

/** Longer names are no cluster's. */
const MAX_NAME_BYTES = 1_000;

/** A report of a longer time is taken as one of this, in milliseconds: a day. */
const MAX_INTERVAL_MS = 86_400_000;

/** Tags of what is read (`proto/envoy/service/load_stats/v3/lrs.proto`). */
const MESSAGE = { node: bytesTag(1), cluster: bytesTag(2) };
const CLUSTER = { name: bytesTag(1), locality: bytesTag(2), dropped: varintTag(3), interval: bytesTag(4) };
const LOCALITY = { success: varintTag(2), inProgress: varintTag(3), error: varintTag(4), issued: varintTag(8) };
const DURATION = { seconds: varintTag(1), nanos: varintTag(2) };

/**
 * Reads a report. Envoy breaks the rules that its own API states for it, e.g. it sends clusters without localities:
 * whatever can be read is taken.
 *
 * @throws GrpcError (INVALID_ARGUMENT) for bytes that are no LoadStatsRequest
 */
export function readLoadMessage(bytes: Buffer): LoadMessage {
  const reader = new WireReader(bytes);
  const clusters = new Map<string, ClusterReport>();
  let node: Buffer | undefined;
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    if (tag === MESSAGE.node) node = reader.view();
    else if (tag === MESSAGE.cluster && clusters.size < MAX_CLUSTERS)
      addCluster(readCluster(reader.message()), clusters);
    else reader.skip(tag);
  }
  return { node, clusters: [...clusters.values()] };
}

function addCluster(report: ClusterReport, into: Map<string, ClusterReport>): void {
  if (report.cluster === "") return;
  const known = into.get(report.cluster);
  into.set(report.cluster, known === undefined ? report : joinReports(known, report));
}

/** Of all localities and priorities together. Its name is empty where it has none that can be used. */
function readCluster(reader: WireReader): ClusterReport {
  const sum = { cluster: "", success: 0, error: 0, issued: 0, dropped: 0, inProgress: 0, intervalMs: 0 };
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    if (tag === CLUSTER.name) sum.cluster = nameOf(reader.view());
    else if (tag === CLUSTER.locality) addLocality(reader.message(), sum);
    else if (tag === CLUSTER.dropped) sum.dropped = reader.count();
    else if (tag === CLUSTER.interval) sum.intervalMs = readDuration(reader.message());
    else reader.skip(tag);
  }
  return sum;
}

type Counts = { -readonly [K in "success" | "error" | "issued" | "inProgress"]: number };

function addLocality(reader: WireReader, sum: Counts): void {
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    if (tag === LOCALITY.success) sum.success += reader.count();
    else if (tag === LOCALITY.error) sum.error += reader.count();
    else if (tag === LOCALITY.inProgress) sum.inProgress += reader.count();
    else if (tag === LOCALITY.issued) sum.issued += reader.count();
    else reader.skip(tag);
  }
}

function nameOf(bytes: Buffer): string {
  return bytes.length > MAX_NAME_BYTES ? "" : bytes.toString("utf8");
}

function readDuration(reader: WireReader): number {
  let ms = 0;
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    if (tag === DURATION.seconds) ms += reader.count() * 1_000;
    else if (tag === DURATION.nanos) ms += reader.count() / 1_000_000;
    else reader.skip(tag);
  }
  return Math.min(ms, MAX_INTERVAL_MS);
}
