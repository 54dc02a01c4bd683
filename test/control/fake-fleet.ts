import type { Fleet, FleetEvent, NodeStatus, View } from "../../src/control/fleet.ts";
import type { NodeIdentity } from "../../src/core/node/node.ts";

/** What a node does with what it is told to have. */
export type Behaviour = "acks" | "silent" | "refuses";

interface FakeNode {
  identity: NodeIdentity;
  connected: boolean;
  behaviour: Behaviour;
  view: View | undefined;
  unmatched: string | undefined;
  acked: View | undefined;
  error: string | undefined;
  /** Digests of everything that it was ever told to have, in order. */
  readonly told: string[];
}

/** A fleet in memory. Nodes answer as soon as they are told something, or when the test makes them. */
export class FakeFleet implements Fleet {
  readonly distrusted: { node: string; typeUrl: string; names: readonly string[] }[] = [];
  readonly #nodes = new Map<string, FakeNode>();
  readonly #listeners = new Set<(event: FleetEvent) => void>();

  connect(
    id: string,
    options: { cluster?: string; labels?: Record<string, string>; behaviour?: Behaviour } = {},
  ): void {
    const before = this.#nodes.get(id);
    const identity = {
      id,
      cluster: options.cluster ?? before?.identity.cluster ?? "edge",
      labels: options.labels ?? before?.identity.labels ?? {},
      zone: "",
      envoyVersion: "1.40.0",
    };
    const node: FakeNode = {
      view: undefined,
      unmatched: undefined,
      acked: undefined,
      error: undefined,
      told: [],
      ...before,
      identity,
      connected: true,
      behaviour: options.behaviour ?? before?.behaviour ?? "acks",
    };
    this.#nodes.set(id, node);
    this.#emit({ kind: "connected", node: identity });
    if (node.view !== undefined) this.answer(id);
  }

  disconnect(id: string): void {
    const node = this.#get(id);
    node.connected = false;
    this.#emit({ kind: "lost", node: node.identity });
  }

  /** From now on it does this. */
  behave(id: string, behaviour: Behaviour): void {
    this.#get(id).behaviour = behaviour;
  }

  /** Answers what it was told last. */
  answer(id: string, how: Behaviour = this.#get(id).behaviour): void {
    const node = this.#get(id);
    if (!node.connected || node.view === undefined || how === "silent") return;
    if (how === "refuses") return this.refuse(id, "no such thing");
    node.acked = node.view;
    if (node.error !== undefined) {
      node.error = undefined;
      this.#emit({ kind: "repaired", node: node.identity, typeUrl: TYPE });
    }
    this.#emit({ kind: "converged", node: node.identity, view: node.view });
  }

  /** Refuses, by default what it was told last. */
  refuse(id: string, error: string, view: View | undefined = this.#get(id).view): void {
    const node = this.#get(id);
    node.error = error;
    this.#emit({
      kind: "refused",
      node: node.identity,
      group: view?.group ?? "",
      typeUrl: TYPE,
      error,
      names: ["a"],
      version: view?.snapshot.types.get(TYPE)?.version ?? "",
      nonce: "1",
    });
  }

  /** Everything that the node was told to have, as revisions and digests. */
  told(id: string): readonly string[] {
    return this.#get(id).told;
  }

  view(id: string): View | undefined {
    return this.#get(id).view;
  }

  unmatched(id: string): string | undefined {
    return this.#get(id).unmatched;
  }

  nodes(): readonly NodeStatus[] {
    return [...this.#nodes.values()].map(statusOf);
  }

  node(id: string): NodeStatus | undefined {
    const node = this.#nodes.get(id);
    return node === undefined ? undefined : statusOf(node);
  }

  assign(nodeId: string, view: View | undefined, unmatched?: string): void {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) return;
    const isNews = view !== node.view;
    node.view = view;
    node.unmatched = unmatched;
    if (view === undefined || !isNews) return;
    node.told.push(view.snapshot.digest);
    this.answer(nodeId);
  }

  distrust(nodeId: string, typeUrl: string, names: readonly string[]): void {
    this.distrusted.push({ node: nodeId, typeUrl, names });
  }

  listen(listener: (event: FleetEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #get(id: string): FakeNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  #emit(event: FleetEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** The one type that refusals are about. */
export const TYPE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";

function statusOf(node: FakeNode): NodeStatus {
  const state = !node.connected
    ? "LOST"
    : node.view === undefined
      ? "UNMATCHED"
      : node.error !== undefined
        ? "REFUSED"
        : node.acked === node.view
          ? "IN_SYNC"
          : "STALE";
  return {
    identity: node.identity,
    connected: node.connected,
    since: 0,
    state,
    ...(node.unmatched === undefined ? {} : { unmatched: node.unmatched }),
    ...(node.view === undefined ? {} : { wanted: node.view }),
    ...(node.acked === undefined ? {} : { acked: node.acked }),
    types: new Map(),
  };
}
