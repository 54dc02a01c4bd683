import type { NodeIdentity } from "../core/node/node.ts";
import type { NodeMemory } from "../core/xds/memory.ts";
import { NO_MEMORY } from "../core/xds/memory.ts";
import type { StreamEvent } from "../core/xds/message.ts";
import { memoryOf } from "../core/xds/stream.ts";
import type { Fleet, FleetEvent, NodeStatus, View } from "./fleet.ts";
import { NameLists } from "./name-lists.ts";
import type { LiveStream, NodeDesk, NodeEntry, StreamEnd } from "./node-entry.ts";
import { statusOf } from "./node-status.ts";
import type { SessionSettings, StreamSink, XdsSession } from "./sessions.ts";
import { Session } from "./sessions.ts";

/** All nodes that have connected since this process started: the Fleet, and the door through which streams come in. */
export class NodeRegistry implements Fleet, NodeDesk {
  readonly names = new NameLists();
  readonly #settings: SessionSettings;
  readonly #entries = new Map<string, NodeEntry>();
  readonly #listeners = new Set<(event: FleetEvent) => void>();
  #closed: string | undefined;

  constructor(settings: SessionSettings) {
    this.#settings = settings;
  }

  /** Begins a stream. Where the control plane is not ready it is ended at once, with the reason (P65). */
  open(dialect: "sotw" | "delta", sink: StreamSink): XdsSession {
    const session = new Session(dialect, sink, this, this.#settings);
    if (this.#closed !== undefined) session.end("unavailable", this.#closed);
    return session;
  }

  /** From now on streams get UNAVAILABLE with this reason: better no answer than a wrong one. */
  refuseStreams(why: string): void {
    this.#closed = why;
  }

  /** Ends every stream; no new ones are taken. Envoys keep what they have and come back. */
  close(how: StreamEnd, why: string): void {
    this.#closed = why;
    for (const entry of this.#entries.values()) for (const stream of entry.streams.slice()) stream.end(how, why);
  }

  nodes(): readonly NodeStatus[] {
    return [...this.#entries.values()].map((entry) => statusOf(entry));
  }

  /** Who has connected, without what each has. */
  identities(): readonly NodeIdentity[] {
    return [...this.#entries.values()].map(({ identity }) => identity);
  }

  node(id: string): NodeStatus | undefined {
    const entry = this.#entries.get(id);
    return entry === undefined ? undefined : statusOf(entry);
  }

  assign(nodeId: string, view: View | undefined, unmatched?: string): void {
    const entry = this.#entries.get(nodeId);
    if (entry === undefined) return;
    entry.unmatched = view === undefined ? unmatched : undefined;
    if (view !== entry.view) entry.inSyncWith = undefined;
    entry.view = view;
    for (const stream of entry.streams.slice()) stream.refresh();
  }

  distrust(nodeId: string, typeUrl: string, names: readonly string[]): void {
    const entry = this.#entry(nodeId);
    const distrusted = new Map(entry.memory.distrusted).set(typeUrl, names);
    entry.memory = { ...entry.memory, distrusted, settled: false };
  }

  listen(listener: (event: FleetEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A stream has said which node it is. */
  join(identity: NodeIdentity, stream: LiveStream): NodeEntry {
    const entry = this.#entry(identity.id);
    const newest = entry.streams.at(-1)?.stream;
    if (newest !== undefined) entry.memory = memoryOf(newest);
    if (entry.streams.length === 0) {
      entry.since = this.#settings.clock.now();
      // It may be another Envoy of the same name: it is in sync once it says so.
      entry.inSyncWith = undefined;
    }
    entry.identity = identity;
    entry.streams.push(stream);
    return entry;
  }

  /** Tells listeners that the node is here. */
  announce(entry: NodeEntry): void {
    this.#emit({ kind: "connected", node: entry.identity });
  }

  /** A node said again who it is; what selects it may have changed (R2, P54). */
  rename(entry: NodeEntry, identity: NodeIdentity): void {
    if (identity.id !== entry.identity.id || JSON.stringify(identity) === JSON.stringify(entry.identity)) return;
    entry.identity = identity;
    this.announce(entry);
  }

  /** A stream of the node is gone. The node is lost with its last one. */
  leave(entry: NodeEntry, stream: LiveStream, memory: NodeMemory | undefined): void {
    const index = entry.streams.indexOf(stream);
    if (index === -1) return;
    const wasNewest = index === entry.streams.length - 1;
    entry.streams.splice(index, 1);
    if (memory !== undefined && wasNewest) entry.memory = memory;
    if (entry.streams.length > 0) return;
    entry.since = this.#settings.clock.now();
    this.#emit({ kind: "lost", node: entry.identity });
  }

  /** The newest stream of a node has acknowledged everything that it asks for. */
  converged(entry: NodeEntry, stream: LiveStream): void {
    const { view } = entry;
    if (view === undefined || entry.streams.at(-1) !== stream || entry.inSyncWith === view) return;
    entry.acked = view;
    entry.inSyncWith = view;
    this.#emit({ kind: "converged", node: entry.identity, view });
  }

  /** What a request of the node meant. */
  report(entry: NodeEntry, stream: LiveStream, event: StreamEvent): void {
    const { identity: node } = entry;
    const group = entry.view?.group ?? "";
    if (event.kind === "acked") {
      this.#emit({ ...event, kind: "acked", node, group });
      return;
    }
    if (event.kind === "repaired") {
      if (entry.streams.at(-1) === stream) this.#emit({ kind: "repaired", node, typeUrl: event.typeUrl });
      return;
    }
    entry.inSyncWith = undefined;
    this.#emit({ ...event, kind: "refused", node, group, error: event.error.message });
  }

  #entry(id: string): NodeEntry {
    const known = this.#entries.get(id);
    if (known !== undefined) return known;
    const entry: NodeEntry = {
      identity: { id, cluster: "", labels: {}, zone: "", envoyVersion: "" },
      streams: [],
      inSyncWith: undefined,
      view: undefined,
      unmatched: undefined,
      acked: undefined,
      memory: NO_MEMORY,
      since: this.#settings.clock.now(),
    };
    this.#entries.set(id, entry);
    return entry;
  }

  #emit(event: FleetEvent): void {
    for (const listener of Array.from(this.#listeners)) listener(event);
  }
}
