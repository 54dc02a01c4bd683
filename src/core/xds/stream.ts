import type { Resource } from "../resource/resource.ts";
import { COMPLETE_SET_TYPES } from "../resource/type-url.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import * as delta from "./delta.ts";
import type { DeltaRequest, Dialect, Response, SotwRequest, StreamEvent } from "./message.ts";
import { inWriteOrder, oweChildren, waitsForClusters } from "./order.ts";
import type { HoldTimes, Removals } from "./removal.ts";
import { isResource, releaseAt, trackRemovals } from "./removal.ts";
import * as sotw from "./sotw.ts";
import { covers } from "./subscription.ts";
import type { Known, TypeState } from "./type-state.ts";
import { newTypeState, UNKNOWN_VERSION } from "./type-state.ts";
import type { Wanted } from "./wanted.ts";
import { difference, target } from "./wanted.ts";

/** One xDS stream as a value. Whoever holds the socket feeds it and sends what it says. */
export interface Stream {
  readonly dialect: Dialect;
  /** Makes nonces differ between streams; a nonce means something on its own stream only (R3). */
  readonly tag: string;
  /** Responses sent so far. */
  readonly sent: number;
  readonly types: ReadonlyMap<string, TypeState>;
  /** What the client should have; undefined: nothing is said to it. */
  readonly view: Snapshot | undefined;
  /** When the view was set, in milliseconds. */
  readonly viewSince: number;
  readonly removals: Removals;
  /** Since when a type waits for clusters, by type URL. */
  readonly waiting: ReadonlyMap<string, number>;
  /** What the node had when its last stream ended, if this process saw it. */
  readonly memory: NodeMemory;
}

/** What is remembered of a node between its streams. */
export interface NodeMemory {
  readonly types: ReadonlyMap<string, Remembered>;
  /** Nothing was in flight or refused: the client has exactly what `types` says. */
  readonly settled: boolean;
  /** Refusals that have not been mended: names whose content in force is not known (N15). */
  readonly distrusted: ReadonlyMap<string, readonly string[]>;
}

export interface Remembered {
  readonly ackedVersion: string;
  readonly client: ReadonlyMap<string, Known>;
}

/** A node that this process knows nothing of. */
export const NO_MEMORY: NodeMemory = { types: new Map(), settled: false, distrusted: new Map() };

/** What a stream has come to, and what is to be done about it. */
export interface Step {
  readonly stream: Stream;
  readonly responses: readonly Response[];
  readonly events: readonly StreamEvent[];
  /** When to poll again even if nothing happens, in milliseconds. */
  readonly wakeAt: number | undefined;
}

/** A stream that was just opened. */
export function openStream(dialect: Dialect, tag: string, memory: NodeMemory, now: number): Stream {
  return {
    dialect,
    tag,
    sent: 0,
    types: new Map(),
    view: undefined,
    viewSince: now,
    removals: new Map(),
    waiting: new Map(),
    memory,
  };
}

/** What the client should have from now on. */
export function setView(stream: Stream, view: Snapshot | undefined, now: number): Stream {
  return view === stream.view ? stream : { ...stream, view, viewSince: now };
}

/** A request of the state-of-the-world dialect. Nothing is sent before the next poll, so that requests coalesce (N14, P63). */
export function onSotwRequest(
  stream: Stream,
  request: SotwRequest,
): { stream: Stream; events: readonly StreamEvent[] } {
  const known = stream.types.get(request.typeUrl);
  const before = known ?? remember(stream, request.typeUrl, request.versionInfo);
  const { state, events } = sotw.receive(before, request);
  const next = known === undefined ? distrust(stream, oweUnknown(stream, before, state)) : state;
  return { stream: withType(stream, next), events };
}

/** A request of the incremental dialect. */
export function onDeltaRequest(
  stream: Stream,
  request: DeltaRequest,
): { stream: Stream; events: readonly StreamEvent[] } {
  const known = stream.types.get(request.typeUrl);
  const before = known ?? remember(stream, request.typeUrl, undefined);
  const { state, events } = delta.receive(before, request);
  const next = known === undefined ? distrust(stream, oweUnknown(stream, before, state)) : state;
  return { stream: withType(stream, next), events };
}

/** Everything that may be sent now, in safe order: at most one response a type in flight, built from the newest state. */
export function poll(before: Stream, now: number, times: HoldTimes): Step {
  const { view } = before;
  if (view === undefined) return { stream: before, responses: [], events: [], wakeAt: undefined };
  const removals = trackRemovals(before.removals, before.types, view, now);
  const types = new Map(before.types);
  const waiting = new Map<string, number>();
  const responses: Response[] = [];
  for (const typeUrl of inWriteOrder(types.keys())) {
    const state = types.get(typeUrl);
    if (state?.subscription === undefined || state.inflight !== undefined) continue;
    const wanted = wantedOf({ view, state, removals, now, times });
    const since = before.waiting.get(typeUrl) ?? now;
    if (waitsForClusters(state, wanted, types)) {
      waiting.set(typeUrl, since);
      if (now < since + times.holdMs) continue;
    }
    const nonce = nonceOf(before, responses.length + 1);
    const { state: next, response } =
      before.dialect === "sotw" ? sotw.respond(state, wanted, nonce) : delta.respond(state, wanted, nonce);
    types.set(typeUrl, next);
    if (response === undefined) continue;
    responses.push(response);
    oweChildren(types, next, response.resources);
  }
  const stream: Stream = { ...before, types, removals, waiting, sent: before.sent + responses.length };
  const mended = mend(stream);
  return { stream: mended.stream, responses, events: mended.events, wakeAt: wakeAt(mended.stream, now, times) };
}

/** What to remember of the node once the stream is gone. */
export function memoryOf(stream: Stream): NodeMemory {
  const types = new Map<string, Remembered>();
  let settled = true;
  const distrusted = new Map(stream.memory.distrusted);
  for (const [typeUrl, state] of stream.types) {
    types.set(typeUrl, { ackedVersion: state.ackedVersion, client: state.client });
    settled &&= state.inflight === undefined;
    const names = doubtful(state);
    if (names.length > 0) distrusted.set(typeUrl, names);
    else distrusted.delete(typeUrl);
  }
  return { types, settled: settled && distrusted.size === 0, distrusted };
}

/** What a refusal left unknown, and what was in flight: it may have been refused in part, and nobody heard (N15). */
function doubtful(state: TypeState): string[] {
  const unknown = [...state.client].flatMap(([name, { version }]) => (version === UNKNOWN_VERSION ? [name] : []));
  const { inflight } = state;
  if (inflight === undefined) return unknown;
  const changed = [...inflight.resources.values()].flatMap(({ name, version }) =>
    state.client.get(name)?.version === version ? [] : [name],
  );
  return [...new Set([...unknown, ...changed, ...inflight.removed, ...inflight.dropped])];
}

function withType(stream: Stream, state: TypeState): Stream {
  return { ...stream, types: new Map(stream.types).set(state.typeUrl, state) };
}

/** Eight digits make all nonces of a stream equally long. */
function nonceOf(stream: Stream, step: number): string {
  return `${stream.tag}${(stream.sent + step).toString(36).padStart(8, "0")}`;
}

/** Begins a type with what the node had on its last stream, where its own words agree with that. */
function remember(stream: Stream, typeUrl: string, claimed: string | undefined): TypeState {
  const state = newTypeState(typeUrl);
  const known = stream.memory.types.get(typeUrl);
  if (known === undefined) return state;
  if (claimed !== undefined && (claimed === "" || claimed !== known.ackedVersion)) return state;
  return { ...state, client: known.client };
}

/** Named types are answered on a new stream, but for what this process saw the node acknowledge (rule R5). */
function oweUnknown(stream: Stream, remembered: TypeState, state: TypeState): TypeState {
  if (COMPLETE_SET_TYPES.has(state.typeUrl) || state.subscription?.wildcard === true) return state;
  if (!stream.memory.settled || remembered.client.size === 0) return state;
  const owed = [...(state.subscription?.names ?? [])].filter((name) => {
    const before = remembered.client.get(name);
    return before === undefined || state.client.get(name)?.version !== before.version;
  });
  return { ...state, owed: new Set(owed), claimed: "" };
}

/** What a refusal left in doubt is sent again in full, whatever the client reports (N15). */
function distrust(stream: Stream, state: TypeState): TypeState {
  const names = stream.memory.distrusted.get(state.typeUrl);
  if (names === undefined || names.length === 0) return state;
  const client = new Map(state.client);
  for (const name of names) client.set(name, { version: UNKNOWN_VERSION, refs: client.get(name)?.refs ?? [] });
  return { ...state, client, claimed: "", error: "what an earlier refusal left in force is not known yet" };
}

interface WantedInput {
  readonly view: Snapshot;
  readonly state: TypeState;
  readonly removals: Removals;
  readonly now: number;
  readonly times: HoldTimes;
}

function wantedOf({ view, state, removals, now, times }: WantedInput): Wanted {
  const set = view.types.get(state.typeUrl);
  const resources = set?.resources ?? new Map<string, Resource>();
  const version = set?.version ?? EMPTY_VERSION;
  const held = new Set<string>();
  for (const [name, removal] of removals.get(state.typeUrl) ?? []) {
    if (now < releaseAt(removal, times)) held.add(name);
  }
  if (held.size === 0) return { version, resources, held };
  const kept = new Map(resources);
  for (const name of held) {
    const known = state.client.get(name);
    if (isResource(known)) kept.set(name, known);
  }
  return { version, resources: kept, held };
}

/** What `version_info` says of a type of which the view has nothing. */
const EMPTY_VERSION = "0";

/** A type that was refused and is in sync again: the client is in the state that it should be in. */
function mend(stream: Stream): { stream: Stream; events: readonly StreamEvent[] } {
  const events: StreamEvent[] = [];
  let next = stream;
  for (const state of stream.types.values()) {
    if (state.error === undefined || !isTypeConverged(stream, state)) continue;
    next = withType(next, { ...state, error: undefined, parked: new Map() });
    events.push({ kind: "repaired", typeUrl: state.typeUrl });
  }
  return { stream: next, events };
}

/**
 * Has the client acknowledged everything that it asks for of this type in the view? Removals that are held back
 * or under way are not waited for.
 */
export function isTypeConverged(stream: Stream, state: TypeState): boolean {
  const { view } = stream;
  if (view === undefined || state.subscription === undefined || state.owed === "all") return false;
  const set = view.types.get(state.typeUrl);
  const removing = new Set(stream.removals.get(state.typeUrl)?.keys());
  const wanted: Wanted = { version: "", resources: set?.resources ?? new Map(), held: removing };
  const { changed, gone } = difference(state, wanted, target(state, wanted));
  if (changed.length > 0 || gone.length > 0) return false;
  return ![...removing].some((name) => state.client.get(name)?.version === UNKNOWN_VERSION);
}

/** How long a client that asks for nothing of a type is waited for to ask: it may be about to. */
const ASKING_MS = 3_000;

/** Has the client acknowledged everything that it asks for of its view? */
export function isConverged(stream: Stream, now: number): boolean {
  if (stream.view === undefined || stream.types.size === 0) return false;
  for (const state of stream.types.values()) {
    if (state.subscription !== undefined && !isTypeConverged(stream, state)) return false;
  }
  return now >= stream.viewSince + ASKING_MS || !isAboutToAsk(stream, stream.view);
}

/** Clusters and listeners that no request has named yet, or children of what the client has that it has not asked for. */
function isAboutToAsk(stream: Stream, view: Snapshot): boolean {
  for (const [typeUrl, { resources }] of view.types) {
    const subscription = stream.types.get(typeUrl)?.subscription;
    if (subscription === undefined) {
      if (COMPLETE_SET_TYPES.has(typeUrl)) return true;
      continue;
    }
    for (const resource of resources.values()) {
      if (covers(subscription, resource.name) && lacksChildren(stream, view, resource)) return true;
    }
  }
  return false;
}

function lacksChildren(stream: Stream, view: Snapshot, resource: Resource): boolean {
  return resource.refs.some(({ typeUrl, name }) => {
    if (view.types.get(typeUrl)?.resources.has(name) !== true) return false;
    const subscription = stream.types.get(typeUrl)?.subscription;
    return subscription === undefined || !covers(subscription, name);
  });
}

function wakeAt(stream: Stream, now: number, times: HoldTimes): number | undefined {
  const moments: number[] = [];
  for (const since of stream.waiting.values()) moments.push(since + times.holdMs);
  for (const list of stream.removals.values()) {
    for (const removal of list.values()) moments.push(releaseAt(removal, times));
  }
  if (now < stream.viewSince + ASKING_MS) moments.push(stream.viewSince + ASKING_MS);
  const future = moments.filter((moment) => moment > now);
  return future.length === 0 ? undefined : Math.min(...future);
}
