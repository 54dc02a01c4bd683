import type { Reference, Resource } from "../resource/resource.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { isTypeConverged, isUnasked, type Judged } from "./convergence.ts";
import * as delta from "./delta.ts";
import { settleOn, wantedNow } from "./goal.ts";
import type { Dialect, Response, StreamEvent } from "./message.ts";
import type { Types } from "./moves.ts";
import { typesWith } from "./moves.ts";
import type { NackPolicyOf } from "./nack-policy.ts";
import { LAST_NONCE } from "./nonces.ts";
import { oweChildren, waitsForClusters } from "./order.ts";
import type { Orphans } from "./orphan.ts";
import { stillOrphans } from "./orphan.ts";
import { attend, withSubstitutes } from "./remedy.ts";
import type { HoldTimes, Removals } from "./removal.ts";
import { trackRemovals } from "./removal.ts";
import * as sotw from "./sotw.ts";
import { renew, withBeats } from "./ttl.ts";
import type { TypeState } from "./type-state.ts";
import { isOwed, NOTHING_PARKED } from "./type-state.ts";
import type { Wanted } from "./wanted.ts";
import { hasVerySet } from "./wanted.ts";

/** All of a stream that says what is due on it. */
export interface Situation {
  readonly dialect: Dialect;
  /** In the order in which they are written. Streams in the same state have the same map (`moves.ts`). */
  readonly types: Types;
  readonly removals: Removals;
  /** What clusters that are on their way wait for, and the view dropped meanwhile. */
  readonly orphans: Orphans;
  /** Since when a type waits for clusters, by type URL. */
  readonly waiting: ReadonlyMap<string, number>;
  /** What the client was sent refers to, and it has not asked for yet. */
  readonly expects: ReadonlyMap<string, Reference>;
}

/** By what a stream is served. */
export interface ServingRules extends HoldTimes {
  /** What is done about refused content; without it, it is parked. */
  readonly onNack?: NackPolicyOf | undefined;
}

/** What was due, and where the stream is then. */
export interface Due extends Omit<Situation, "dialect"> {
  /** Without nonces: `LAST_NONCE` stands for each. */
  readonly responses: readonly Response[];
  readonly events: readonly StreamEvent[];
  /** When the first refused response is sent again, or the first heartbeat is due, in milliseconds. */
  readonly dueAt: number | undefined;
}

const NO_EVENTS: readonly StreamEvent[] = [];
/** No type waits for clusters. */
export const NOT_WAITING: ReadonlyMap<string, number> = new Map();
/** Nothing that a client was sent waits to be asked for. */
export const NOTHING_EXPECTED: ReadonlyMap<string, Reference> = new Map();
/**
 * Everything that may be sent now, in safe order: at most one response a type in flight, built from the newest state. The
 * clock counts only where removals or types wait; without any, the result follows from the situation and the view alone.
 */
export function dueOf(before: Situation, view: Snapshot, now: number, times: ServingRules): Due {
  let due = go(before, view, now, times);
  // What was sent may have made children due that come earlier in the order.
  while (due.responses.length > 0 && owesNow(due)) {
    const next = go({ ...due, dialect: before.dialect }, view, now, times);
    due = { ...next, responses: [...due.responses, ...next.responses], events: [...due.events, ...next.events] };
    if (next.responses.length === 0) break;
  }
  return due;
}

function owesNow({ types, waiting }: Due): boolean {
  for (const state of types.values()) {
    if (state.inflight === undefined && isOwed(state) && !waiting.has(state.typeUrl)) return true;
  }
  return false;
}

function go(before: Situation, view: Snapshot, now: number, times: ServingRules): Due {
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
  const { types, waiting, responses, sent, dueAt } = round;
  const expects = expectedOf(before.expects, types, view, sent);
  const mended = mend(types, { view, removals });
  return { types: mended.types, removals, orphans, waiting, expects, responses, events: mended.events, dueAt };
}

/** One go over the types of a stream. */
interface Round {
  readonly before: Situation;
  readonly view: Snapshot;
  readonly removals: Removals;
  readonly orphans: Orphans;
  readonly now: number;
  readonly times: ServingRules;
  types: Types;
  waiting: ReadonlyMap<string, number>;
  dueAt: number | undefined;
  readonly responses: Response[];
  /** What is new to the client, by type. */
  readonly sent: (readonly Resource[])[];
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
  const { state: next, response, changed = [] } = dialect.respond(state, wanted, LAST_NONCE);
  if (response === undefined) {
    const settled = settleOn(next, wanted);
    round.types = typesWith(round.types, settled);
    return keepAlive(round, settled, wanted);
  }
  const types = typesWith(round.types, wanted.expires === true ? withBeats(next, response, now) : next);
  responses.push(response);
  round.sent.push(changed);
  oweChildren(types, changed);
  round.types = types;
}

/** The type after what is to be done about a refusal, if there was one, and what its client should have. */
function attended(round: Round, before: TypeState): { state: TypeState; wanted: Wanted } {
  const plain = wantedNow(round, before);
  if (before.refusal === undefined) return { state: before, wanted: plain };
  const policy = round.times.onNack?.(before.typeUrl) ?? "park";
  const state = attend(before, plain, { policy, now: round.now, dialect: round.before.dialect });
  if (state !== before) round.types = typesWith(round.types, state);
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
  const beat = { dialect: before.dialect, nonce: LAST_NONCE, now };
  const { state: next, response, nextAt } = renew(state, wanted, beat);
  wakeFor(round, nextAt);
  if (response !== undefined) responses.push(response);
  if (next !== state) round.types = typesWith(round.types, next);
}

/** Nothing is due, and the client shares the view's own set: most types of most streams, most of the time. */
function isAtRest(state: TypeState, wanted: Wanted): boolean {
  if (state.pending === "all" || state.pending.size > 0 || isOwed(state)) return false;
  return hasVerySet(state, wanted);
}

/** What the client was sent refers to and it has not asked for. */
function expectedOf(
  before: Situation["expects"],
  types: Types,
  view: Snapshot,
  sent: readonly (readonly Resource[])[],
): Situation["expects"] {
  let open: Map<string, Reference> | undefined;
  const look = (ref: Reference): void => {
    if (isUnasked({ types }, view, ref)) (open ??= new Map()).set(`${ref.typeUrl} ${ref.name}`, ref);
  };
  for (const ref of before.values()) look(ref);
  for (const changed of sent) for (const { refs } of changed) for (const ref of refs) look(ref);
  return open ?? NOTHING_EXPECTED;
}

/** A type that was refused and is in sync again: the client is in the state that it should be in. */
function mend(before: Types, judged: Pick<Judged, "view" | "removals">): Pick<Due, "types" | "events"> {
  let types = before;
  let events = NO_EVENTS;
  for (const state of before.values()) {
    if (state.error === undefined || !isTypeConverged(judged, state)) continue;
    types = typesWith(types, { ...state, error: undefined, parked: NOTHING_PARKED, refusal: undefined });
    events = [...events, { kind: "repaired", typeUrl: state.typeUrl }];
  }
  return { types, events };
}
