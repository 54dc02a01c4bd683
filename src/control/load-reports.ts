import type { ClusterLoad, ClusterReport } from "../core/load/report.ts";
import type { NodeLoads } from "../core/load/windows.ts";
import { addReport, costOf, NO_LOADS, sumLoads, withoutOldest } from "../core/load/windows.ts";
import type { Clock } from "./clock.ts";

/** How much is kept: of each node, and over all of them. */
export interface LoadLimits {
  /** Reports of one node. */
  readonly windows: number;
  /** Of one node: clusters with traffic in a report, and lists of those without. */
  readonly nodeSize: number;
  /** A report older than this is forgotten, and with its last report a node; in milliseconds. */
  readonly ageMs: number;
  readonly nodes: number;
  /** The same over all nodes. */
  readonly size: number;
}

const LIMITS: LoadLimits = { windows: 30, nodeSize: 50_000, ageMs: 5 * 60_000, nodes: 20_000, size: 250_000 };

/** Whose reports are wanted, and since when. */
export interface LoadQuery {
  /** Ids of nodes; without it, all. */
  readonly nodes?: Iterable<string>;
  /** Only what was received after this, in milliseconds since the epoch. */
  readonly from?: number;
}

/**
 * What nodes have reported of late about the clusters that they call. Kept in memory and bounded: evidence is of now, and
 * an Envoy that is asked again tells what happened since.
 */
export class LoadReports {
  readonly #clock: Clock;
  readonly #limits: LoadLimits;
  /** By node; who reported longest ago is first. */
  readonly #nodes = new Map<string, NodeLoads>();
  /** One string for each name, however many nodes and reports say it. */
  readonly #names = new Map<string, string>();
  #namesCost = 0;
  #size = 0;
  #received = 0;

  constructor(clock: Clock, limits: Partial<LoadLimits> = {}) {
    this.#clock = clock;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** A report has come; one without clusters says that the node had nothing to count. */
  add(nodeId: string, report: readonly ClusterReport[]): void {
    this.#received += 1;
    const now = this.#clock.now();
    const named = report.map((one) => ({ ...one, cluster: this.#name(one.cluster) }));
    const before = this.#nodes.get(nodeId) ?? NO_LOADS;
    this.#nodes.delete(nodeId);
    this.#put(nodeId, before, addReport(before, named, now, this.#limits));
    this.#shrink(now);
  }

  /** What was counted of each cluster that was told of; a cluster that is not here is one of which nothing is known. */
  loads({ nodes, from = 0 }: LoadQuery = {}): ReadonlyMap<string, ClusterLoad> {
    const ids = nodes === undefined ? this.#nodes.keys() : new Set(nodes);
    const asked = [...ids].map((id) => this.#nodes.get(id) ?? NO_LOADS);
    return sumLoads(asked, Math.max(from, this.#clock.now() - this.#limits.ageMs));
  }

  /** How many reports have come since the process started, and how many nodes are known to report. */
  counts(): { readonly received: number; readonly nodes: number; readonly size: number } {
    return { received: this.#received, nodes: this.#nodes.size, size: this.#size };
  }

  #put(nodeId: string, before: NodeLoads, after: NodeLoads): void {
    this.#size += after.size - before.size;
    if (after.windows.length > 0) this.#nodes.set(nodeId, after);
    else this.#nodes.delete(nodeId);
  }

  /** Who reported longest ago pays for what is too much: while all report in turn, everyone pays the same. */
  #shrink(now: number): void {
    for (const [id, loads] of this.#nodes) {
      const isOld = (loads.windows.at(-1)?.at ?? 0) <= now - this.#limits.ageMs;
      if (isOld || this.#nodes.size > this.#limits.nodes) this.#put(id, loads, NO_LOADS);
      else if (this.#size > this.#limits.size) this.#shorten(id, loads);
      else return;
    }
  }

  #shorten(id: string, loads: NodeLoads): void {
    let kept = loads;
    while (this.#size - loads.size + kept.size > this.#limits.size && kept.windows.length > 0) {
      kept = withoutOldest(kept);
    }
    this.#put(id, loads, kept);
  }

  #name(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (this.#namesCost + costOf(name) > this.#limits.size) {
      this.#names.clear();
      this.#namesCost = 0;
    }
    this.#names.set(name, name);
    this.#namesCost += costOf(name);
    return name;
  }
}
