import { canonicalNames } from "../resource/xdstp.ts";
import { changeBetween, numberOf } from "../snapshot/change.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { resourcesOf } from "../snapshot/snapshot.ts";
import * as delta from "./delta.ts";
import { foundAfter, withFound } from "./found.ts";
import type { NodeMemory } from "./memory.ts";
import { beginType, distrust, oweUnseen, recognise, remembered, restrict } from "./memory.ts";
import type { DeltaRequest, Dialect, Response, SotwRequest, StreamEvent } from "./message.ts";
import type { Types } from "./moves.ts";
import { Moves, SharedTypes, typesWith } from "./moves.ts";
import type { Nonces } from "./nonces.ts";
import { answeredBy, NO_NONCES, numbered, standInFor } from "./nonces.ts";
import { inWriteOrder } from "./order.ts";
import { NO_ORPHANS, orphansOf } from "./orphan.ts";
import type { HoldTimes } from "./removal.ts";
import { NO_REMOVALS, releaseAt } from "./removal.ts";
import type { Due, ServingRules, Situation } from "./round.ts";
import { dueOf, NOT_WAITING, NOTHING_EXPECTED } from "./round.ts";
import type { DeltaSaid, SotwSaid } from "./said.ts";
import { NAMES_SAID, weightOfDelta, weightOfSotw } from "./said.ts";
import * as sotw from "./sotw.ts";
import type { TypeState } from "./type-state.ts";
import { NO_NAMES, suspect } from "./type-state.ts";
import { weightOfMemory } from "./weight.ts";

/** One xDS stream as a value. Whoever holds the socket feeds it and sends what it says. */
export interface Stream extends Situation {
  /** Makes nonces differ between streams; a nonce means something on its own stream only (R3). */
  readonly tag: string;
  /** Responses sent so far. */
  readonly sent: number;
  readonly nonces: Nonces;
  /** What the client should have; undefined: nothing is said to it. */
  readonly view: Snapshot | undefined;
  /** When the stream was opened, and when the view was set, in milliseconds. */
  readonly openedAt: number;
  readonly viewSince: number;
  /** What the node had when its last stream ended, if this process saw it. */
  readonly memory: NodeMemory;
}

/** What a stream has come to, and what is to be done about it. */
export interface Step {
  readonly stream: Stream;
  readonly responses: readonly Response[];
  readonly events: readonly StreamEvent[];
  /** When to poll again even if nothing happens, in milliseconds. */
  readonly wakeAt: number | undefined;
}

/** What a request did: its answer is not sent before the next poll, so that requests coalesce (N14, P63). */
export interface Heard {
  readonly stream: Stream;
  readonly events: readonly StreamEvent[];
}

/** What a request did to a stream's types. */
interface Effect {
  readonly types: Types;
  readonly events: readonly StreamEvent[];
}

const NO_TYPES: Types = new SharedTypes();
const NO_RESPONSES: readonly Response[] = [];
const NO_EVENTS: readonly StreamEvent[] = [];

/** A stream that was just opened. */
export function openStream(dialect: Dialect, tag: string, memory: NodeMemory, now: number): Stream {
  return {
    dialect,
    tag,
    sent: 0,
    nonces: NO_NONCES,
    types: NO_TYPES,
    view: undefined,
    openedAt: now,
    viewSince: now,
    removals: NO_REMOVALS,
    orphans: NO_ORPHANS,
    waiting: NOT_WAITING,
    expects: NOTHING_EXPECTED,
    memory,
  };
}

/** By the view that streams came to, the types that they went there with. Found by identity of both, as in `moves.ts`. */
const arrivals = new WeakMap<Snapshot, WeakMap<Types, { readonly from: number | undefined; readonly types: Types }>>();

/** What the client should have from now on. */
export function setView(stream: Stream, view: Snapshot | undefined, now: number): Stream {
  const { types, view: from } = stream;
  if (view === from) return stream;
  // Without a view nothing is compared: what was pending is looked for again, all of it, with the next one.
  const next = draftOf(stream);
  next.view = view;
  next.viewSince = now;
  const change = view === undefined || from === undefined ? undefined : changeBetween(from, view);
  next.orphans = view === undefined || change === undefined ? NO_ORPHANS : orphansOf(stream, view, change);
  if (view !== undefined && types.size > 0) next.types = typesUnder(view, types, from);
  return next;
}

function typesUnder(view: Snapshot, before: Types, from: Snapshot | undefined): Types {
  let arrived = arrivals.get(view);
  if (arrived === undefined) arrivals.set(view, (arrived = new WeakMap()));
  const known = arrived.get(before);
  const number = from === undefined ? undefined : numberOf(from);
  if (known !== undefined && known.from === number) return known.types;
  const types = suspected(before, from, view);
  arrived.set(before, { from: number, types });
  return types;
}

/** The types with all that differs between the views pending; the same map where none of it is of these types. */
function suspected(types: Types, from: Snapshot | undefined, to: Snapshot): Types {
  const change = from === undefined ? undefined : changeBetween(from, to);
  const after = new SharedTypes();
  let isSame = true;
  for (const [typeUrl, state] of types) {
    const differing: TypeState =
      change === undefined ? { ...state, pending: "all" } : suspect(state, change.get(typeUrl) ?? NO_NAMES);
    const { subscription } = state;
    // What names stand for is another thing in another view.
    const next =
      subscription?.found === undefined
        ? differing
        : withFound(differing, from === undefined ? undefined : subscription, { types, view: to });
    after.set(typeUrl, next);
    isSame &&= next === state;
  }
  return isSame ? types : after;
}

const sotwMoves = new Moves<SotwSaid, Effect>(weightOfSotw, NAMES_SAID);

/** A request of the state-of-the-world dialect. */
export function onSotwRequest(stream: Stream, request: SotwRequest): Heard {
  const { types, memory } = stream;
  const { typeUrl, names, versionInfo, error } = request;
  const nonce = standInFor(stream.nonces, request);
  const inputs = [typeUrl, nonce, names, versionInfo, error, types.has(typeUrl) ? undefined : memory] as const;
  const effect =
    sotwMoves.known(stream, inputs) ?? sotwMoves.keep(stream, inputs, ofSotwRequest(stream, { ...request, nonce }));
  return heard(stream, effect, request.nonce);
}

function ofSotwRequest({ types, memory, view }: Stream, request: SotwRequest): Effect {
  const known = types.get(request.typeUrl);
  const before = known ?? beginType(memory, request.typeUrl, request.versionInfo);
  const received = sotw.receive(before, request);
  const { events } = received;
  const state = foundAfter("sotw", received.state, before.subscription, { types, view });
  if (known !== undefined) return { types: withType(types, state), events };
  return { types: withType(types, distrust(memory, oweUnseen(memory, restrict(memory, state)))), events };
}

const deltaMoves = new Moves<DeltaSaid, Effect>(weightOfDelta, NAMES_SAID);

/** A request of the incremental dialect. */
export function onDeltaRequest(stream: Stream, request: DeltaRequest): Heard {
  const { types, memory } = stream;
  const { typeUrl, subscribe, unsubscribe, initialVersions, error } = request;
  const nonce = standInFor(stream.nonces, request);
  const isBegin = !types.has(typeUrl);
  const reported = isBegin && initialVersions.size > 0 ? initialVersions : undefined;
  const past = isBegin ? memory : undefined;
  const inputs = [typeUrl, nonce, orNone(subscribe), orNone(unsubscribe), reported, error, past] as const;
  const effect =
    deltaMoves.known(stream, inputs) ?? deltaMoves.keep(stream, inputs, ofDeltaRequest(stream, { ...request, nonce }));
  return heard(stream, effect, request.nonce);
}

/** Empty lists are one, whoever made them. */
function orNone(names: readonly string[]): readonly string[] | undefined {
  return names.length === 0 ? undefined : names;
}

function ofDeltaRequest({ types, memory, view }: Stream, request: DeltaRequest): Effect {
  const known = types.get(request.typeUrl);
  const before = known ?? beginType(memory, request.typeUrl, undefined);
  const inView = resourcesOf(view, request.typeUrl);
  const received = delta.receive(before, canonical(request), inView);
  const { events } = received;
  const state = foundAfter("delta", received.state, before.subscription, { types, view });
  if (known !== undefined) return { types: withType(types, state), events };
  return { types: withType(types, distrust(memory, oweUnseen(memory, recognise(memory, state)))), events };
}

/** Names are compared in one form, however a client writes them. */
function canonical(request: DeltaRequest): DeltaRequest {
  const subscribe = canonicalNames(request.subscribe);
  const unsubscribe = canonicalNames(request.unsubscribe);
  if (subscribe === request.subscribe && unsubscribe === request.unsubscribe) return request;
  return { ...request, subscribe, unsubscribe };
}

function heard(stream: Stream, { types, events }: Effect, nonce: string): Heard {
  if (types === stream.types) return { stream, events: answeredBy(events, nonce) };
  const next = draftOf(stream);
  next.types = types;
  return { stream: next, events: answeredBy(events, nonce) };
}

/** Types are kept in the order in which they are written. */
function withType(before: Types, state: TypeState): Types {
  if (before.get(state.typeUrl) === state) return before;
  const types = typesWith(before, state);
  if (before.has(state.typeUrl)) return types;
  return new SharedTypes(inWriteOrder(types.keys()).map((url) => [url, types.get(url) ?? state]));
}

const rounds = new Moves<readonly [Dialect, expects: Stream["expects"]], Due>();

/** Everything that may be sent now, in safe order: at most one response a type in flight, built from the newest state. */
export function poll(before: Stream, now: number, rules: ServingRules): Step {
  const { view } = before;
  if (view === undefined) return { stream: before, responses: NO_RESPONSES, events: NO_EVENTS, wakeAt: undefined };
  const due = mayShare(before) ? sharedDue(before, view, now, rules) : dueOf(before, view, now, rules);
  const { responses, nonces } = numbered(before, due.responses);
  const stream = isStill(before, due) ? before : movedBy(before, due, nonces);
  return { stream, responses, events: due.events, wakeAt: wakeAt(stream, due.dueAt, now, rules) };
}

/**
 * The stream after a poll that says nothing, and leaves nothing to wait for; undefined where a poll would, and where that is
 * not worked out once for many streams.
 */
export function settle(before: Stream, now: number, rules: ServingRules): Stream | undefined {
  const { view } = before;
  if (view === undefined || !mayShare(before)) return undefined;
  const due = sharedDue(before, view, now, rules);
  if (due.responses.length + due.events.length + due.waiting.size > 0 || due.dueAt !== undefined) return undefined;
  return isStill(before, due) ? before : movedBy(before, due, before.nonces);
}

function mayShare({ removals, orphans, waiting }: Stream): boolean {
  return removals.size + orphans.size + waiting.size === 0;
}

function sharedDue(before: Stream, view: Snapshot, now: number, rules: ServingRules): Due {
  const inputs = [before.dialect, before.expects] as const;
  const known = rounds.known(before, inputs);
  if (known !== undefined) return known;
  const made = dueOf(before, view, now, rules);
  return isTimeless(before.types, view, made) ? rounds.keep(before, inputs, made) : made;
}

/** Nothing waits, nothing is done about a refusal, and nothing has a time to live: the clock does not count. */
function isTimeless(before: Types, view: Snapshot, { types, removals, waiting, dueAt }: Due): boolean {
  if (removals.size + waiting.size > 0 || dueAt !== undefined) return false;
  return !dependOnTime(before, view) && !dependOnTime(types, view);
}

function dependOnTime(types: Types, view: Snapshot): boolean {
  for (const { typeUrl, refusal, beats } of types.values()) {
    if (refusal !== undefined || beats !== undefined || view.types.get(typeUrl)?.expires === true) return true;
  }
  return false;
}

function isStill(before: Stream, due: Due): boolean {
  return (
    before.types === due.types &&
    before.removals === due.removals &&
    before.orphans === due.orphans &&
    before.waiting === due.waiting &&
    before.expects === due.expects
  );
}

function movedBy(before: Stream, due: Due, nonces: Nonces): Stream {
  const next = draftOf(before);
  next.types = due.types;
  next.removals = due.removals;
  next.orphans = due.orphans;
  next.waiting = due.waiting;
  next.expects = due.expects;
  next.nonces = nonces;
  next.sent = before.sent + due.responses.length;
  return next;
}

type Draft = { -readonly [Part in keyof Stream]: Stream[Part] };

/** A copy to be changed before anyone sees it. Written out: it is made for each stream at each change, and a spread costs five times as much. */
function draftOf(stream: Stream): Draft {
  return {
    dialect: stream.dialect,
    tag: stream.tag,
    sent: stream.sent,
    nonces: stream.nonces,
    types: stream.types,
    view: stream.view,
    openedAt: stream.openedAt,
    viewSince: stream.viewSince,
    removals: stream.removals,
    orphans: stream.orphans,
    waiting: stream.waiting,
    expects: stream.expects,
    memory: stream.memory,
  };
}

const memories = new Moves<readonly [NodeMemory], { readonly memory: NodeMemory; readonly types: Types }>(([memory]) =>
  weightOfMemory(memory),
);

/** What to remember of the node once the stream is gone. */
export function memoryOf(stream: Stream): NodeMemory {
  const { types, memory } = stream;
  const known = memories.known(stream, [memory]);
  return (known ?? memories.keep(stream, [memory], { memory: remembered(types, memory), types })).memory;
}

function wakeAt(stream: Stream, dueAt: number | undefined, now: number, times: HoldTimes): number | undefined {
  if (stream.waiting.size + stream.removals.size === 0) return dueAt;
  const moments: number[] = dueAt === undefined ? [] : [dueAt];
  for (const since of stream.waiting.values()) moments.push(since + times.holdMs);
  for (const list of stream.removals.values()) {
    for (const removal of list.values()) moments.push(releaseAt(removal, times));
  }
  const future = moments.filter((moment) => moment > now);
  return future.length === 0 ? undefined : Math.min(...future);
}
