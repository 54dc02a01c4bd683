import { LONGEST_TIMER_MS } from "../control/clock.ts";
import type { FleetEvent, NodeStatus, NodeTypeStatus, View } from "../control/fleet.ts";
import type { NodeRegistry } from "../control/node-registry.ts";
import type { NodeIdentity } from "../core/node/node.ts";
import type { ResourceInput } from "./resource-input.ts";
import type { ResourceName, Versions } from "./snapshot.ts";
import { Snapshot, snapshot } from "./snapshot.ts";
import { Sweep } from "./sweep.ts";

/** What a group's node asked for, has acknowledged, and refused. */
export interface NodeView {
  readonly id: string;
  readonly cluster: string;
  readonly connected: boolean;
  readonly types: Readonly<Record<string, NodeTypeStatus>>;
}

/** Who has the group's snapshot: node ids. */
export interface Convergence {
  readonly acked: readonly string[];
  readonly refused: readonly string[];
  /** Connected, and neither yet. */
  readonly pending: readonly string[];
}

/** The group of nodes without one of their own. */
const DEFAULT_GROUP = "default";

/** Of a node that the `group` function fails on: no snapshot can be set for it. */
const NO_GROUP = "";

/**
 * Snapshots by group of nodes. Synchronous: when a method returns, the change is on its way to the group's streams, each in
 * its turn, so that a change to thousands of them holds up nothing else.
 */
export class SnapshotCache {
  readonly #groupOf: (node: NodeIdentity) => string;
  readonly #views = new Map<string, { snapshot: Snapshot; view: View }>();
  readonly #registries = new Map<NodeRegistry, Sweep>();
  readonly #listeners = new Set<() => void>();

  /**
   * @param options.group which group a node belongs to; all are in `"default"` without it. A node that it fails on is told
   *   nothing, and warned of
   */
  constructor(options: { group?: (node: NodeIdentity) => string } = {}) {
    this.#groupOf = options.group ?? (() => DEFAULT_GROUP);
  }

  /** The group's snapshot from now on. Content decides what is sent: equal resources are not sent again. */
  set(group: string, next: Snapshot): void {
    const name = group || DEFAULT_GROUP;
    const view: View = { snapshot: next.content, revision: 0, group: name };
    this.#views.set(name, { snapshot: next, view });
    for (const sweep of this.#registries.values()) sweep.mark(name);
  }

  get(group: string): Snapshot | undefined {
    return this.#views.get(group || DEFAULT_GROUP)?.snapshot;
  }

  groups(): string[] {
    return [...this.#views.keys()];
  }

  /** Nodes of the group, connected or not. */
  nodes(group: string): NodeView[] {
    return this.#statuses(group).map(({ identity: { id, cluster }, connected, types }) => ({
      id,
      cluster,
      connected,
      types: Object.fromEntries(types),
    }));
  }

  /**
   * Changes some resources of a group; an unknown group begins empty.
   *
   * @returns the group's new snapshot
   * @throws SnapshotError for what cannot be encoded; nothing is changed then
   */
  update(
    group: string,
    changes: { set?: readonly ResourceInput[]; remove?: readonly ResourceName[]; version?: Versions },
  ): Snapshot {
    const next = (this.get(group) ?? snapshot({ resources: [] })).with(changes);
    this.set(group, next);
    return next;
  }

  /** Forgets the group. Its connected nodes are told nothing and keep what they have. */
  delete(group: string): void {
    const name = group || DEFAULT_GROUP;
    this.#views.delete(name);
    for (const sweep of this.#registries.values()) sweep.mark(name);
  }

  /**
   * Waits until every connected node of the group has acknowledged or refused its snapshot, or the time is over.
   * Removals that are held back are not waited for.
   */
  async converged(group: string, options: { timeoutMs?: number } = {}): Promise<Convergence> {
    const now = this.#convergence(group);
    if (now.pending.length === 0) return now;
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve(this.#convergence(group));
      };
      let isDue = false;
      // Thousands of ACKs that come together are looked at once.
      const look = (): void => {
        if (isDue) return;
        isDue = true;
        setImmediate(() => {
          isDue = false;
          if (this.#listeners.has(look) && this.#convergence(group).pending.length === 0) finish();
        });
      };
      const timer = setTimeout(finish, Math.min(options.timeoutMs ?? 5_000, LONGEST_TIMER_MS));
      this.#listeners.add(look);
    });
  }

  /** Connects a server's nodes to the groups. Called by XdsServer. */
  attach(registry: NodeRegistry, onWarning: (message: string) => void = () => {}): () => void {
    const sweep = new Sweep(registry, (node, groups) => {
      const name = this.#nameOf(node);
      if (groups.has(name)) registry.assign(node.id, this.#views.get(name)?.view);
    });
    this.#registries.set(registry, sweep);
    const stop = registry.listen((event) => this.#onEvent(registry, event, onWarning));
    return () => {
      stop();
      this.#registries.delete(registry);
    };
  }

  /** The group a node belongs to; empty where that cannot be told. */
  groupOf(node: NodeIdentity): string {
    return this.#nameOf(node);
  }

  #onEvent(registry: NodeRegistry, event: FleetEvent, onWarning: (message: string) => void): void {
    if (event.kind === "connected")
      registry.assign(event.node.id, this.#views.get(this.#nameOf(event.node, onWarning))?.view);
    if (this.#listeners.size > 0) for (const look of Array.from(this.#listeners)) look();
  }

  /** What a node says of itself comes from outside: it must not make a change fail for all others. */
  #nameOf(node: NodeIdentity, onWarning?: (message: string) => void): string {
    try {
      return this.#groupOf(node) || DEFAULT_GROUP;
    } catch (error) {
      onWarning?.(
        `the cache's group function failed on node ${JSON.stringify(node.id)}, which is told nothing: ${String(error)}`,
      );
      return NO_GROUP;
    }
  }

  #statuses(group: string): NodeStatus[] {
    const name = group || DEFAULT_GROUP;
    for (const sweep of this.#registries.values()) sweep.finish();
    const all = [...this.#registries.keys()].flatMap((registry) => registry.nodes());
    return all.filter(({ identity }) => this.#nameOf(identity) === name);
  }

  #convergence(group: string): Convergence {
    const name = group || DEFAULT_GROUP;
    const all = { acked: [] as string[], refused: [] as string[], pending: [] as string[] };
    const wanted = this.#views.get(name)?.view;
    for (const registry of this.#registries.keys()) {
      for (const { identity, connected, state, view } of registry.states()) {
        if (!connected || this.#nameOf(identity) !== name) continue;
        // Of a node whose turn has not come, nothing is known yet of the snapshot.
        const reached = view === wanted ? state : "STALE";
        const which = reached === "IN_SYNC" ? "acked" : reached === "REFUSED" ? "refused" : "pending";
        all[which].push(identity.id);
      }
    }
    return all;
  }
}
