import type { Resource } from "../resource/resource.ts";
import { COMPLETE_SET_TYPES } from "../resource/type-url.ts";
import { NO_HOST } from "./alias.ts";
import type { Known } from "./client.ts";
import { clientWith, knownOf, lastGoodOf, NO_CLIENT } from "./client.ts";
import type { DeltaRequest, SentResource } from "./message.ts";
import type { Portion, Said } from "./portion.ts";
import { portion } from "./portion.ts";
import type { Responded } from "./sotw.ts";
import type { Meaning, Received, Table } from "./standing.ts";
import { quietly, refused, standingOf, taken } from "./standing.ts";
import { covers, editNames } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";
import { forget, isOwed, NO_NAMES, NOTHING_PARKED, owe } from "./type-state.ts";
import type { Difference, Finder, Wanted } from "./wanted.ts";
import { difference, goalOf, goalsOf } from "./wanted.ts";

type Inventory = ReadonlyMap<string, Resource>;
type Handler = (state: TypeState, request: DeltaRequest, view: Inventory) => Received;

const begin: Handler = (state, request, view) => quietly(begun(state, request, view));
const edit: Handler = (state, request) => quietly(edited(state, request));
const take: Handler = (state, request) => thenEdited(taken(state), request);
const refuse: Handler = (state, request) => thenEdited(refused(state, request), request);

/**
 * Edits are applied whatever the nonce, for one that is dropped would be lost for ever (N3, P12, P13). An error that is said
 * again, or of a response that nobody sent, counts for nothing (N9, P08).
 */
const ON_REQUEST: Table<DeltaMeaning, Handler> = {
  unasked: { edit: begin, ack: begin, nack: begin, foreign: begin },
  unanswered: { edit: edit, ack: edit, nack: edit, foreign: edit },
  inFlight: { edit: edit, ack: take, nack: refuse, foreign: edit },
  settled: { edit: edit, ack: edit, nack: edit, foreign: edit },
};

/** A client of this dialect that has no use for a response stays silent (N8). */
export type DeltaMeaning = Exclude<Meaning, "unneeded">;

/** What a request of the incremental dialect means. */
export function meaningOf({ nonce }: TypeState, request: DeltaRequest): DeltaMeaning {
  if (request.nonce === "") return "edit";
  if (request.nonce !== nonce) return "foreign";
  return request.error === undefined ? "ack" : "nack";
}

/** A request of the incremental dialect: an edit of the subscription, an answer to the last response, or both (D5). */
export function receive(state: TypeState, request: DeltaRequest, view: Inventory): Received {
  return ON_REQUEST[standingOf(state)][meaningOf(state, request)](state, request, view);
}

function thenEdited({ state, events }: Received, request: DeltaRequest): Received {
  return { state: edited(state, request), events };
}

/** The type with the names of the request added and taken away. */
function edited(state: TypeState, { subscribe, unsubscribe }: DeltaRequest): TypeState {
  const before = state.subscription;
  const subscription = editNames(state.typeUrl, before, subscribe, unsubscribe);
  if (before === undefined || subscription === before) return state;
  const next: TypeState = { ...state, subscription };
  if (subscription.wildcard && !before.wildcard && subscribe.includes("*")) {
    return { ...next, client: NO_CLIENT, pending: "all", owed: "all" };
  }
  const added = subscribe.filter((name) => name !== "*" && !covers(before, name));
  const given = forget(next, [...added, ...unsubscribe.filter((name) => name !== "*")]);
  // A name asked for again may have been dropped by the client: answered even when nothing changed (U4, P26). One that is
  // given up under a wildcard is said again, or said to be gone (U3, P24).
  const again = [...subscribe, ...unsubscribe].filter((name) => name !== "*" && covers(subscription, name));
  return owe(withoutOwed(given, unsubscribe), again);
}

/** What was given up before it was answered is owed no more. */
function withoutOwed(state: TypeState, names: readonly string[]): TypeState {
  const { owed } = state;
  if (owed === "all" || !names.some((name) => owed.has(name))) return state;
  const left = new Set(owed);
  for (const name of names) left.delete(name);
  return { ...state, owed: left };
}

/** The first request of a type on a stream: what the client has is what it reports (D2, P32). */
function begun(before: TypeState, request: DeltaRequest, view: Inventory): TypeState {
  const subscription = editNames(before.typeUrl, undefined, request.subscribe, request.unsubscribe);
  const reported = new Map<string, Known>();
  for (const [name, version] of request.initialVersions) {
    if (version === NO_HOST) continue;
    const inView = view.get(name);
    const likely = inView?.version === version ? inView : lastGoodOf(knownOf(before.client, name));
    reported.set(name, likely?.version === version ? likely : { version, refs: [] });
  }
  const state: TypeState = { ...before, subscription, client: clientWith(reported), pending: "all" };
  if (subscription.wildcard && reported.size === 0) return { ...state, owed: "all" };
  const named = request.subscribe.filter((name) => name !== "*");
  // A cluster or listener may be warming and wait for these, whatever versions the client has of them (R5, P41, P42).
  if (!COMPLETE_SET_TYPES.has(state.typeUrl)) return owe(state, named);
  return owe(
    state,
    named.filter((name) => !reported.has(name)),
  );
}

/** The response that is due now: what changed, what is gone, and what was asked for. */
export function respond(state: TypeState, wanted: Wanted, nonce: string): Responded {
  const changes = difference(state, wanted);
  const settled: TypeState = { ...state, owed: NO_NAMES, pending: changes.pending };
  if (!isOwed(state) && !changes.fresh) return { state: settled };
  const said = isOwed(state) ? asked(state, wanted, changes) : { resources: changes.changed, removed: changes.gone };
  const startsEmpty = state.owed === "all" && state.nonce === "";
  if (said.resources.length + said.removed.length === 0 && !startsEmpty) return { state: settled };
  const { version } = wanted;
  const { now, later } = wanted.finder === undefined ? portion(said) : answerFound(wanted.finder, state, said);
  const named = namedIn(now.resources);
  const inflight = { nonce, version, resources: named, removed: now.removed, whole: false, dropped: [] };
  return {
    state: { ...settled, owed: later, inflight, nonce, parked: changes.fresh ? NOTHING_PARKED : state.parked },
    response: { typeUrl: state.typeUrl, nonce, version, ...now },
    changed: later.size === 0 ? changes.changed : changes.changed.filter(({ name }) => named.has(name)),
  };
}

/** Names to be answered. What was given up again before it was answered is none of them (P16, P25). */
function owedNames(state: TypeState, wanted: Wanted): Iterable<string> {
  const { owed, subscription } = state;
  if (subscription === undefined) return NO_NAMES;
  const { finder } = wanted;
  if (owed !== "all") {
    const names = [...owed].filter((name) => covers(subscription, name));
    return finder === undefined ? names : finder.members(names);
  }
  const goals = goalsOf(state, wanted).keys();
  if (subscription.names.size === 0) return goals;
  return new Set([...goals, ...(finder?.members(subscription.names) ?? subscription.names)]);
}

/** What was asked for, and what changed besides. */
function asked(state: TypeState, wanted: Wanted, changes: Difference): Said {
  const resources = new Map<string, Resource>();
  const removed = new Set<string>();
  for (const name of owedNames(state, wanted)) {
    const resource = goalOf(state, wanted, name);
    if (resource === undefined) {
      // Told once for each time it is asked for, and never counted as known (P30). The empty name matches nothing.
      if (name !== "" && !wanted.held.has(name)) removed.add(name);
    } else if (state.parked.get(name) !== resource.version) resources.set(name, resource);
  }
  if (changes.fresh) {
    for (const resource of changes.changed) resources.set(resource.name, resource);
    for (const name of changes.gone) removed.add(name);
  }
  return { resources: [...resources.values()], removed: [...removed] };
}

/** The same where names stand for others: what is found says for which, and what is not found is told in a way of its own. */
function answerFound(finder: Finder, state: TypeState, found: Said): Portion {
  const { said, again } = finder.answer(state, found);
  const { now, later } = portion(said);
  return { now, later: again.length === 0 ? later : new Set([...later, ...again]) };
}

/** What the client has once it takes these. To be told that there is nothing is to have nothing (P30). */
function namedIn(resources: readonly SentResource[]): ReadonlyMap<string, Resource> {
  const named = new Map<string, Resource>();
  for (const resource of resources) if (resource.isBodiless !== true) named.set(resource.name, resource);
  return named;
}
