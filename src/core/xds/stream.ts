import type { Reference, Resource } from "../resource/resource.ts";
import { changeBetween } from "../snapshot/change.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { askedBy, isTypeConverged, isUnasked } from "./convergence.ts";
import * as delta from "./delta.ts";
import { mayFind, withFound } from "./found.ts";
import { settleOn, wantedNow } from "./goal.ts";
import type { NodeMemory } from "./memory.ts";
import { beginType, distrust, oweUnseen, recognise, remembered, restrict } from "./memory.ts";
import type { DeltaRequest, Dialect, Response, SotwRequest, StreamEvent } from "./message.ts";
import type { NackPolicyOf } from "./nack-policy.ts";
import { inWriteOrder, oweChildren, waitsForClusters } from "./order.ts";
import type { Orphans } from "./orphan.ts";
import { NO_ORPHANS, orphansOf, stillOrphans } from "./orphan.ts";
import { attend, withSubstitutes } from "./remedy.ts";
import type { HoldTimes, Removals } from "./removal.ts";
import { NO_REMOVALS, releaseAt, trackRemovals } from "./removal.ts";
import * as sotw from "./sotw.ts";
import { renew, withBeats } from "./ttl.ts";
import type { TypeState } from "./type-state.ts";
import { isOwed, NO_NAMES, NOTHING_PARKED, suspect } from "./type-state.ts";
import type { Wanted } from "./wanted.ts";

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
  /** When the stream was opened, and when the view was set, in milliseconds. */
  readonly openedAt: number;
  readonly viewSince: number;
  readonly removals: Removals;
  /** What clusters that are on their way wait for, and the view dropped meanwhile. */
  readonly orphans: Orphans;
  /** Since when a type waits for clusters, by type URL. */
  readonly waiting: ReadonlyMap<string, number>;
  /** What the client was sent refers to, and it has not asked for yet. */
  readonly expects: ReadonlyMap<string, Reference>;
  /** What the node had when its last stream ended, if this process saw it. */
  readonly memory: NodeMemory;
}

/** By what a stream is served. */
export interface ServingRules extends HoldTimes {
  /** What is done about refused content; without it, it is parked. */
  readonly onNack?: NackPolicyOf | undefined;
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

const NO_EVENTS: readonly StreamEvent[] = [];
const NOT_WAITING: ReadonlyMap<string, number> = new Map();
const NOTHING_EXPECTED: ReadonlyMap<string, Reference> = new Map();
const NOTHING: ReadonlyMap<string, Resource> = new Map();

/** A stream that was just opened. */
export function openStream(dialect: Dialect, tag: string, memory: NodeMemory, now: number): Stream {
  return {
    dialect,
    tag,
    sent: 0,
    types: new Map(),
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

/** What the client should have from now on. */
export function setView(stream: Stream, view: Snapshot | undefined, now: number): Stream {
  if (view === stream.view) return stream;
  const types = new Map(stream.types);
  let orphans = NO_ORPHANS;
  if (view !== undefined) {
    const change = stream.view === undefined ? undefined : changeBetween(stream.view, view);
    if (change !== undefined) orphans = orphansOf(stream, view, change);
    for (const [typeUrl, state] of types) {
      const next: TypeState =
        change === undefined ? { ...state, pending: "all" } : suspect(state, change.get(typeUrl) ?? NO_NAMES);
      types.set(typeUrl, state.subscription?.found === undefined ? next : findAnew(next, stream, view));
    }
  }
  // Without a view nothing is compared: what was pending is looked for again, all of it, with the next one.
  return { ...stream, view, viewSince: now, types, orphans };
}

/** What names stand for is another thing in another view. */
function findAnew(state: TypeState, { view: before, types }: Stream, view: Snapshot): TypeState {
  return withFound(state, before === undefined ? undefined : state.subscription, { types, view }, true);
}

/** A request of the state-of-the-world dialect. */
export function onSotwRequest(stream: Stream, request: SotwRequest): Heard {
  const { memory } = stream;
  const known = stream.types.get(request.typeUrl);
  const before = known ?? beginType(memory, request.typeUrl, request.versionInfo);
  const { state, events } = sotw.receive(before, request);
  if (known !== undefined) return { stream: withType(stream, state), events };
  return { stream: withType(stream, distrust(memory, oweUnseen(memory, restrict(memory, state)))), events };
}

/** A request of the incremental dialect. */
export function onDeltaRequest(stream: Stream, request: DeltaRequest): Heard {
  const { memory } = stream;
  const known = stream.types.get(request.typeUrl);
  const before = known ?? beginType(memory, request.typeUrl, undefined);
  const inView = stream.view?.types.get(request.typeUrl)?.resources ?? NOTHING;
  const received = delta.receive(before, request, inView);
  const { events } = received;
  const isSame = received.state.subscription === before.subscription;
  const state =
    isSame || !mayFind(request.typeUrl)
      ? received.state
      : withFound(received.state, before.subscription, stream, request.unsubscribe.length === 0);
  if (known !== undefined) return { stream: withType(stream, state), events };
  return { stream: withType(stream, distrust(memory, oweUnseen(memory, recognise(memory, state)))), events };
}

/** Everything that may be sent now, in safe order: at most one response a type in flight, built from the newest state. */
export function poll(before: Stream, now: number, times: ServingRules): Step {
  let step = pollOnce(before, now, times);
  if (step.responses.length === 0) return step;
  // What was sent may have made children due that come earlier in the order.
  for (let again = owesNow(step.stream); again; again = owesNow(step.stream)) {
    const next = pollOnce(step.stream, now, times);
    step = { ...next, responses: [...step.responses, ...next.responses], events: [...step.events, ...next.events] };
    if (next.responses.length === 0) break;
  }
  return step;
}

function owesNow({ types, waiting }: Stream): boolean {
  for (const state of types.values()) {
    if (state.inflight === undefined && isOwed(state) && !waiting.has(state.typeUrl)) return true;
  }
  return false;
}

function pollOnce(before: Stream, now: number, times: ServingRules): Step {
  const { view } = before;
  if (view === undefined) return { stream: before, responses: [], events: [], wakeAt: undefined };
  const removals = trackRemovals(before.removals, before.types, view, now);
  const orphans = stillOrphans(before.types, before.orphans);
  const round: Round = {
    before,
    view,
    removals,
    orphans,
    now,
    times,
    types: before.types,
    waiting: NOT_WAITING,
    dueAt: undefined,
    responses: [],
    sent: [],
  };
  for (const typeUrl of before.types.keys()) pollType(round, typeUrl);
  const { types, waiting, responses } = round;
  const expects = expectedOf(before, types, view, round.sent);
  const stream = { ...before, types, removals, orphans, expects, waiting, sent: before.sent + responses.length };
  const mended = mend(stream);
  return { stream: mended.stream, responses, events: mended.events, wakeAt: wakeAt(mended.stream, round) };
}

/** One go over the types of a stream. */
interface Round {
  readonly before: Stream;
  readonly view: Snapshot;
  readonly removals: Removals;
  readonly orphans: Orphans;
  readonly now: number;
  readonly times: ServingRules;
  types: ReadonlyMap<string, TypeState>;
  waiting: ReadonlyMap<string, number>;
  /** When the first refused response is sent again, or the first heartbeat is due. */
  dueAt: number | undefined;
  readonly responses: Response[];
  readonly sent: Resource[];
}

function pollType(round: Round, typeUrl: string): void {
  const { before, now, times, responses } = round;
  const asked = round.types.get(typeUrl);
  if (asked?.subscription === undefined || asked.inflight !== undefined) return;
  const { state, wanted } = attended(round, asked);
  if (isAtRest(state, wanted)) return keepAlive(round, state, wanted);
  if (waitsForClusters(state, wanted, round.types)) {
    const since = before.waiting.get(typeUrl) ?? now;
    round.waiting = new Map(round.waiting).set(typeUrl, since);
    if (now < since + times.holdMs) return;
  }
  const dialect = before.dialect === "sotw" ? sotw : delta;
  const { state: next, response, changed = [] } = dialect.respond(state, wanted, nonceOf(before, responses.length + 1));
  if (response === undefined) {
    const settled = settleOn(next, wanted);
    round.types = new Map(round.types).set(typeUrl, settled);
    return keepAlive(round, settled, wanted);
  }
  const types = new Map(round.types).set(typeUrl, wanted.expires === true ? withBeats(next, response, now) : next);
  responses.push(response);
  round.sent.push(...changed);
  oweChildren(types, changed);
  round.types = types;
}

/** The type after what is to be done about a refusal, if there was one, and what its client should have. */
function attended(round: Round, before: TypeState): { state: TypeState; wanted: Wanted } {
  const plain = wantedNow(round, before);
  if (before.refusal === undefined) return { state: before, wanted: plain };
  const policy = round.times.onNack?.(before.typeUrl) ?? "park";
  const state = attend(before, plain, { policy, now: round.now, dialect: round.before.dialect });
  if (state !== before) round.types = new Map(round.types).set(state.typeUrl, state);
  wakeFor(round, state.refusal?.retryAt);
  return { state, wanted: withSubstitutes(plain, state) };
}

function wakeFor(round: Round, moment: number | undefined): void {
  if (moment !== undefined) round.dueAt = Math.min(moment, round.dueAt ?? moment);
}

/** A type that has nothing else to say renews what has a time to live, when that is due. */
function keepAlive(round: Round, state: TypeState, wanted: Wanted): void {
  if (wanted.expires !== true && state.beats === undefined) return;
  const { before, now, responses } = round;
  const nonce = nonceOf(before, responses.length + 1);
  const { state: next, response, nextAt } = renew(state, wanted, { dialect: before.dialect, nonce, now });
  wakeFor(round, nextAt);
  if (response !== undefined) responses.push(response);
  if (next !== state) round.types = new Map(round.types).set(state.typeUrl, next);
}

/** Nothing is due, and the client shares the view's own set: most types of most streams, most of the time. */
function isAtRest(state: TypeState, { resources }: Wanted): boolean {
  if (state.pending === "all" || state.pending.size > 0 || isOwed(state)) return false;
  return state.client.base === resources && state.client.except.size === 0;
}

/** What to remember of the node once the stream is gone. */
export function memoryOf(stream: Stream): NodeMemory {
  return remembered(stream.types, stream.memory);
}

/** Types are kept in the order in which they are written. */
function withType(stream: Stream, state: TypeState): Stream {
  if (stream.types.get(state.typeUrl) === state) return stream;
  const types = new Map(stream.types).set(state.typeUrl, state);
  if (stream.types.has(state.typeUrl)) return { ...stream, types };
  return { ...stream, types: new Map(inWriteOrder(types.keys()).map((url) => [url, types.get(url) ?? state])) };
}

/** Five digits make the nonces of a stream equally long, for its first sixty million responses. */
function nonceOf(stream: Stream, step: number): string {
  return `${stream.tag}${(stream.sent + step).toString(36).padStart(5, "0")}`;
}

/** What the client was sent refers to and it has not asked for. */
function expectedOf(
  before: Stream,
  types: ReadonlyMap<string, TypeState>,
  view: Snapshot,
  sent: readonly Resource[],
): ReadonlyMap<string, Reference> {
  if (before.expects.size === 0 && sent.every(({ refs }) => refs.length === 0)) return NOTHING_EXPECTED;
  const refs = [...before.expects.values(), ...sent.flatMap((resource) => resource.refs)];
  const open = refs.filter((ref) => isUnasked({ types }, view, ref));
  return open.length === 0 ? NOTHING_EXPECTED : new Map(open.map((ref) => [`${ref.typeUrl} ${ref.name}`, ref]));
}

/** A type that was refused and is in sync again: the client is in the state that it should be in. */
function mend(stream: Stream): { stream: Stream; events: readonly StreamEvent[] } {
  let next = stream;
  let events = NO_EVENTS;
  for (const state of stream.types.values()) {
    if (state.error === undefined || !isTypeConverged(stream, state)) continue;
    next = withType(next, { ...state, error: undefined, parked: NOTHING_PARKED, refusal: undefined });
    events = [...events, { kind: "repaired", typeUrl: state.typeUrl }];
  }
  return { stream: next, events };
}

function wakeAt(stream: Stream, { now, times, dueAt }: Round): number | undefined {
  const asked = askedBy(stream, now);
  if (stream.waiting.size + stream.removals.size === 0 && dueAt === undefined) return asked;
  const moments: number[] = [asked, dueAt].filter((moment) => moment !== undefined);
  for (const since of stream.waiting.values()) moments.push(since + times.holdMs);
  for (const list of stream.removals.values()) {
    for (const removal of list.values()) moments.push(releaseAt(removal, times));
  }
  const future = moments.filter((moment) => moment > now);
  return future.length === 0 ? undefined : Math.min(...future);
}
