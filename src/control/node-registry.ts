import type { ClusterLoad } from "../core/load/report.ts";
import type { NodeIdentity } from "../core/node/node.ts";
import { isSameNode } from "../core/node/node.ts";
import { NEVER } from "../core/xds/convergence.ts";
import type { NodeMemory } from "../core/xds/memory.ts";
import type { Dialect, SotwRequest, StreamEvent } from "../core/xds/message.ts";
import { memoryOf } from "../core/xds/stream.ts";
import type { Fetched } from "./fetches.ts";
import { Fetches } from "./fetches.ts";
import type { Fleet, FleetEvent, NodeState, NodeStatus, View } from "./fleet.ts";
import type { LoadQuery } from "./load-reports.ts";
import { LoadReports } from "./load-reports.ts";
import type { LostLimits } from "./lost-nodes.ts";
import { NameLists } from "./name-lists.ts";
import type { Joined, LiveStream, NodeDesk, NodeEntry, StreamEnd } from "./node-entry.ts";
import { newEntry } from "./node-entry.ts";
import { stateOf, statusOf } from "./node-status.ts";
import { nodeConvergedAt, tellingStreams } from "./node-streams.ts";
import { NodesAway } from "./nodes-away.ts";
import type { PollLimits } from "./recent-polls.ts";
import { Revisits } from "./revisits.ts";
import type { SessionSettings, StreamSink, XdsSession } from "./sessions.ts";
import { Session } from "./sessions.ts";
import { XdsCounters } from "./xds-counters.ts";
import type { XdsStats } from "./xds-stats.ts";
import { xdsStats } from "./xds-stats.ts";

/**
 * The nodes that have connected since this process started, but those that have been away for long: the Fleet, and the door
 * through which streams come in.
 */
export class NodeRegistry implements Fleet, NodeDesk {
  readonly names: NameLists;
  readonly counters = new XdsCounters();
  /** What nodes report of their traffic. */
  readonly reports: LoadReports;
  readonly #settings: SessionSettings;
  readonly #fetches: Fetches;
  readonly #entries = new Map<string, NodeEntry>();
  readonly #away: NodesAway;
  /** Nodes that have all that they ask for, and may be about to ask for more. */
  readonly #revisits: Revisits<NodeEntry>;
  /** What is in doubt of nodes that have not come yet: node, type URL, names. */
  readonly #doubts = new Map<string, Map<string, readonly string[]>>();
  /** Never changed, only replaced: a listener may come or go while it is told something. */
  #listeners: readonly ((event: FleetEvent) => void)[] = [];
  #closed: string | undefined;

  constructor(settings: SessionSettings, lost: Partial<LostLimits> = {}, polls: Partial<PollLimits> = {}) {
    this.#settings = settings;
    this.names = new NameLists(() => settings.clock.now());
    this.#fetches = new Fetches(this, settings, polls);
    this.#away = new NodesAway(this.#entries, settings.times.onNack, lost);
    this.#revisits = new Revisits(settings.clock, (entry) => this.later(() => this.moved(entry)));
    this.reports = new LoadReports(settings.clock);
  }

  /**
   * Begins a stream. Where the control plane is not ready it is ended at once, with the reason (P65).
   *
   * @param scope the one type that the stream's service carries; undefined: all, as ADS does
   */
  open(dialect: Dialect, sink: StreamSink, scope?: string): XdsSession {
    const session = new Session({ dialect, scope }, sink, this, this.#settings);
    if (this.#closed !== undefined) session.end("unavailable", this.#closed);
    return session;
  }

  /** Answers a request that stands for itself, on no stream: REST, and unary gRPC. */
  async fetchOnce(request: SotwRequest, node: NodeIdentity | undefined): Promise<Fetched> {
    if (this.#closed !== undefined) return { kind: "unavailable", why: this.#closed };
    return this.#fetches.answer(request, node);
  }

  /** From now on streams get UNAVAILABLE with this reason: better no answer than a wrong one. */
  refuseStreams(why: string): void {
    this.#closed = why;
  }

  /** Ends every stream; no new ones are taken. Envoys keep what they have and come back. */
  close(how: StreamEnd, why: string): void {
    this.#closed = why;
    for (const entry of this.#entries.values()) for (const stream of entry.streams) stream.end(how, why);
  }

  /** How many streams are open. */
  get streamCount(): number {
    let count = 0;
    for (const { streams } of this.#entries.values()) count += streams.length;
    return count;
  }

  /** Ends up to so many streams that have reached their age, of nodes that have given their last word on what they should have. */
  retire(ageMs: number, atMost: number): void {
    const now = this.#settings.clock.now();
    let left = atMost;
    for (const entry of this.#entries.values()) {
      if (left <= 0) return;
      const aged = entry.streams.find((stream) => stream.mayRetire(now, ageMs));
      if (aged === undefined || entry.isBehind || stateOf(entry) === "STALE") continue;
      aged.end("aged", "this stream has reached its age; open another");
      left -= 1;
    }
  }

  nodes(): readonly NodeStatus[] {
    return [...this.#entries.values()].map((entry) => this.#statusOf(entry));
  }

  /** Who has connected, without what each has. */
  *identities(): Generator<NodeIdentity> {
    for (const { identity } of this.#entries.values()) yield identity;
  }

  /** Does the work in its turn, after what is there already and what new streams wait for. */
  later(work: () => void): void {
    this.#settings.defer(work, false);
  }

  node(id: string): NodeStatus | undefined {
    const entry = this.#entries.get(id);
    return entry === undefined ? undefined : this.#statusOf(entry);
  }

  #statusOf(entry: NodeEntry): NodeStatus {
    this.catchUp(entry);
    return statusOf(entry);
  }

  /** In what state each node is, without what it has of each type. */
  *states(): Generator<Pick<NodeStatus, "identity" | "connected" | "state"> & { readonly view: View | undefined }> {
    for (const entry of this.#entries.values())
      yield {
        identity: entry.identity,
        connected: entry.streams.length > 0,
        state: this.#stateOf(entry),
        view: entry.view,
      };
  }

  #stateOf(entry: NodeEntry): NodeState {
    const state = stateOf(entry);
    if (state !== "REFUSED" || !entry.isBehind) return state;
    // What it has refused may not be what it should have now.
    this.catchUp(entry);
    return stateOf(entry);
  }

  /** What has been counted since this was made, and what is open now. */
  stats(): XdsStats {
    return xdsStats(this.counters, this.#entries.values());
  }

  /** What nodes have counted of late of each cluster that they call. */
  loads(query?: LoadQuery): ReadonlyMap<string, ClusterLoad> {
    return this.reports.loads(query);
  }

  assign(nodeId: string, view: View | undefined, unmatched?: string): void {
    const entry = this.#entries.get(nodeId);
    if (entry === undefined) return;
    if (view !== undefined && view === entry.view) return;
    entry.unmatched = view === undefined ? unmatched : undefined;
    if (view !== entry.view) {
      entry.inSyncWith = undefined;
      entry.viewAt = this.#settings.clock.now();
      if (entry.isBehind || entry.streams.some(({ owesChange }) => owesChange)) this.counters.overtaken += 1;
    }
    entry.view = view;
    if (entry.streams.length > 0) this.#tell(entry);
  }

  /** All of them at once: each is polled in sight of the others. */
  catchUp(entry: NodeEntry): void {
    if (!entry.isBehind) return;
    entry.isBehind = false;
    const { streams, view, viewAt } = entry;
    for (let index = 0; index < streams.length; index += 1) streams[index]?.adopt(view, viewAt);
  }

  /** Each node in its turn: a change to thousands of them is not to hold up everything else. */
  #tell(entry: NodeEntry): void {
    entry.isBehind = true;
    if (entry.streams.every(({ stream }) => (stream?.types.size ?? 0) === 0)) return this.#refresh(entry);
    if (entry.isQueued) return;
    entry.isQueued = true;
    this.#settings.defer(() => {
      entry.isQueued = false;
      this.#refresh(entry);
    }, false);
  }

  #refresh(entry: NodeEntry): void {
    this.catchUp(entry);
    const { streams } = entry;
    for (let index = 0; index < streams.length; index += 1) streams[index]?.refresh();
  }

  distrust(nodeId: string, typeUrl: string, names: readonly string[]): void {
    const entry = this.#entries.get(nodeId);
    if (entry !== undefined) return entry.memory.distrust(typeUrl, names);
    this.#doubts.set(nodeId, (this.#doubts.get(nodeId) ?? new Map<string, readonly string[]>()).set(typeUrl, names));
  }

  listen(listener: (event: FleetEvent) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  /** A stream has said which node it is. */
  join(identity: NodeIdentity, stream: LiveStream): Joined {
    const entry = this.#entry(identity.id);
    const live = tellingStreams(entry.streams).filter(({ scope }) => scope === stream.scope);
    const memory = entry.memory.recall(stream.scope, live.slice(-RECALLED).flatMap(memoriesOf));
    const isFurther = stream.scope !== undefined && entry.streams.length > 0;
    const isNews = !isFurther || !isSameNode(identity, entry.identity);
    if (entry.streams.length === 0) {
      entry.since = this.#settings.clock.now();
      // It may be another Envoy of the same name: it is in sync once it says so.
      entry.inSyncWith = undefined;
    }
    entry.identity = identity;
    // Not pushed: that would hold room for sixteen more, of each of thousands of nodes.
    entry.streams = entry.streams.concat(stream);
    this.#away.cameBack(identity.id);
    return { entry, memory, isNews };
  }

  /** Tells listeners that the node is here. */
  announce(entry: NodeEntry): void {
    this.#emit({ kind: "connected", node: entry.identity });
  }

  /** A node said again who it is; what selects it may have changed (R2, P54). */
  rename(entry: NodeEntry, identity: NodeIdentity): void {
    if (identity.id !== entry.identity.id || isSameNode(identity, entry.identity)) return;
    entry.identity = identity;
    this.announce(entry);
  }

  /** A stream of the node is gone. The node is lost with its last one. */
  leave(entry: NodeEntry, stream: LiveStream, memory: NodeMemory | undefined): void {
    if (!entry.streams.includes(stream)) return;
    const isTelling = tellingStreams(entry.streams).includes(stream);
    entry.streams = entry.streams.filter((other) => other !== stream);
    if (memory !== undefined && isTelling) entry.memory.keep(stream.scope, memory);
    if (entry.streams.length > 0) {
      for (const other of entry.streams) other.wake();
      this.moved(entry);
      return;
    }
    entry.since = this.#settings.clock.now();
    this.#away.lighten(entry);
    this.#emit({ kind: "lost", node: entry.identity });
    this.#away.went(entry);
    this.#makeRoom(entry.since);
  }

  /** A stream has heard or said something: the node may be in sync now. */
  moved(entry: NodeEntry): void {
    const { view } = entry;
    if (view === undefined || entry.inSyncWith === view || entry.isBehind) return;
    const now = this.#settings.clock.now();
    const at = nodeConvergedAt(entry.streams, now);
    if (at > now) {
      if (at !== NEVER) this.#revisits.at(at, entry);
      return;
    }
    entry.acked = view;
    entry.inSyncWith = view;
    this.#emit({ kind: "converged", node: entry.identity, view });
  }

  /** A stream has decided what is done about a refusal. */
  decided(entry: NodeEntry): void {
    this.#emit({ kind: "decided", node: entry.identity });
  }

  /** What a request of the node meant. */
  report(entry: NodeEntry, stream: LiveStream, event: StreamEvent): void {
    const { identity: node } = entry;
    const group = entry.view?.group ?? "";
    if (event.kind === "acked") {
      this.counters.of(event.typeUrl).acks += 1;
      const { typeUrl, version, nonce } = event;
      this.#emit({ kind: "acked", node, group, typeUrl, version, nonce });
      return;
    }
    if (event.kind === "repaired") {
      if (tellingStreams(entry.streams).includes(stream))
        this.#emit({ kind: "repaired", node, typeUrl: event.typeUrl });
      return;
    }
    this.counters.of(event.typeUrl).nacks += 1;
    entry.inSyncWith = undefined;
    this.#emit({ ...event, kind: "refused", node, group, error: event.error.message });
  }

  /** Whoever hears of it may know from elsewhere what is in doubt of the node, and say so with `distrust`. */
  #makeRoom(now: number): void {
    const { forgotten, faded } = this.#away.makeRoom(now);
    for (const { identity } of forgotten) {
      this.#entries.delete(identity.id);
      this.#emit({ kind: "forgotten", node: identity });
    }
    for (const { identity } of faded) this.#emit({ kind: "faded", node: identity });
  }

  #entry(id: string): NodeEntry {
    const known = this.#entries.get(id);
    if (known !== undefined) return known;
    const entry = newEntry(id, this.#settings.clock.now());
    for (const [typeUrl, names] of this.#doubts.get(id) ?? []) entry.memory.distrust(typeUrl, names);
    this.#doubts.delete(id);
    this.#entries.set(id, entry);
    return entry;
  }

  #emit(event: FleetEvent): void {
    const listeners = this.#listeners;
    for (let index = 0; index < listeners.length; index += 1) listeners[index]?.(event);
  }
}

/** So many streams of a type tell a new one what the node has; a node with more is simply answered. */
const RECALLED = 32;

function memoriesOf({ stream }: LiveStream): readonly NodeMemory[] {
  return stream === undefined ? [] : [memoryOf(stream)];
}
