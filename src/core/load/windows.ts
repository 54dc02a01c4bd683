import type { ClusterLoad, ClusterReport } from "./report.ts";

/** One report of a node. */
export interface LoadWindow {
  /** Milliseconds since the epoch: when it was received. */
  readonly at: number;
  /** The longest time that a cluster in it was counted for, in milliseconds. */
  readonly intervalMs: number;
  /** Clusters with anything to tell. */
  readonly busy: readonly ClusterReport[];
  /** Clusters that were told of although nothing happened: one list for as long as they are the same. */
  readonly idle: readonly string[];
}

/** What is kept of a node's reports, the oldest first. */
export interface NodeLoads {
  readonly windows: readonly LoadWindow[];
  /** What they cost: clusters in lists that no earlier window has, one once for each hundred characters of its name. */
  readonly size: number;
}

/** How much is kept of one node. */
export interface LoadBounds {
  readonly windows: number;
  /** Reports older than this are dropped, in milliseconds. */
  readonly ageMs: number;
  /** Of all its reports together, as `NodeLoads` has it; the newest one is kept even if it is larger. */
  readonly nodeSize: number;
}

/** A node that has reported nothing. */
export const NO_LOADS: NodeLoads = { windows: [], size: 0 };

/** The node's loads with one more report; what is over the bounds goes, the oldest first. */
export function addReport(
  loads: NodeLoads,
  report: readonly ClusterReport[],
  now: number,
  bounds: LoadBounds,
): NodeLoads {
  const before = loads.windows.at(-1)?.idle ?? [];
  const windows = [...loads.windows, windowOf(report, now, before)];
  const kept = windows.filter(({ at }) => at > now - bounds.ageMs).slice(-bounds.windows);
  let after: NodeLoads = { windows: kept, size: sizeOf(kept) };
  while (after.size > bounds.nodeSize && after.windows.length > 1) after = withoutOldest(after);
  return after;
}

/** The node's loads without its oldest report. */
export function withoutOldest(loads: NodeLoads): NodeLoads {
  const windows = loads.windows.slice(1);
  return { windows, size: sizeOf(windows) };
}

/** What the nodes together counted of each cluster, in reports received after `from`. */
export function sumLoads(nodes: Iterable<NodeLoads>, from: number): ReadonlyMap<string, ClusterLoad> {
  const sums = new Map<string, Sum>();
  for (const { windows } of nodes) {
    const newest = windows.at(-1);
    for (const window of windows) if (window.at > from) addWindow(sums, window, window === newest);
  }
  return sums;
}

type Sum = { -readonly [K in keyof ClusterLoad]: ClusterLoad[K] };

function addWindow(sums: Map<string, Sum>, window: LoadWindow, isNewest: boolean): void {
  for (const report of window.busy) {
    const sum = sumOf(sums, report.cluster, window.at - report.intervalMs);
    sum.success += report.success;
    sum.error += report.error;
    sum.dropped += report.dropped;
    if (isNewest) sum.inProgress += report.inProgress;
  }
  for (const cluster of window.idle) sumOf(sums, cluster, window.at - window.intervalMs);
}

function sumOf(sums: Map<string, Sum>, cluster: string, since: number): Sum {
  const known = sums.get(cluster);
  if (known === undefined) {
    const sum = { success: 0, error: 0, dropped: 0, inProgress: 0, since };
    sums.set(cluster, sum);
    return sum;
  }
  if (since < known.since) known.since = since;
  return known;
}

function windowOf(report: readonly ClusterReport[], at: number, idleBefore: readonly string[]): LoadWindow {
  const busy = report.filter(isBusy);
  const idle = report.filter((one) => !isBusy(one)).map(({ cluster }) => cluster);
  const isSame = idle.length === idleBefore.length && idle.every((cluster, index) => cluster === idleBefore[index]);
  const intervalMs = report.reduce((longest, one) => Math.max(longest, one.intervalMs), 0);
  return { at, intervalMs, busy, idle: isSame ? idleBefore : idle };
}

function isBusy({ success, error, issued, dropped, inProgress }: ClusterReport): boolean {
  return success + error + issued + dropped + inProgress > 0;
}

function sizeOf(windows: readonly LoadWindow[]): number {
  let size = 0;
  let idle: readonly string[] | undefined;
  for (const window of windows) {
    size += 1;
    for (const { cluster } of window.busy) size += costOf(cluster);
    if (window.idle !== idle) for (const cluster of window.idle) size += costOf(cluster);
    idle = window.idle;
  }
  return size;
}

/** Characters of a cluster's name that cost as much as what is counted of it. */
const NAME_LENGTH = 100;

/** What is kept of one cluster costs this: one, and more where its name is long. */
export function costOf(cluster: string): number {
  return Math.max(1, Math.ceil(cluster.length / NAME_LENGTH));
}
