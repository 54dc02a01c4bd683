import type { Resource } from "../resource/resource.ts";
import { COMPLETE_SET_TYPES, ENDPOINTS } from "../resource/type-url.ts";
import { clientWith, knownOf, NO_CLIENT, withKnown } from "./client.ts";
import type { Response, SotwRequest } from "./message.ts";
import type { Meaning, Received, Table } from "./standing.ts";
import { quietly, refused, standingOf, taken, unneeded } from "./standing.ts";
import type { Subscription } from "./subscription.ts";
import { covers, replaceNames } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";
import { forget, isOwed, NO_NAMES, NOTHING_PARKED, owe } from "./type-state.ts";
import type { Difference, Wanted } from "./wanted.ts";
import { difference, goalOf, goalsOf, listOf } from "./wanted.ts";

/** What is to be sent for a type, if anything. */
export interface Responded {
  readonly state: TypeState;
  readonly response?: Response;
  /** Those of the response's resources that are new to the client. */
  readonly changed?: readonly Resource[];
}

type Handler = (state: TypeState, request: SotwRequest) => Received;

const begin: Handler = (state, { typeUrl, names, versionInfo }) => {
  const mayHold = versionInfo !== "" && state.client === NO_CLIENT;
  const subscription = replaceNames(typeUrl, undefined, names);
  return quietly({ ...state, subscription, owed: "all", claimed: versionInfo, mayHold });
};
const edit: Handler = (state, request) => quietly(edited(state, request));
const ignore: Handler = (state) => quietly(state);
const take: Handler = (state, request) => thenEdited(taken(state), request);
const refuse: Handler = (state, request) => thenEdited(refused(state, request), request);
const shelve: Handler = (state, request) => thenEdited(unneeded(state), request);

/**
 * Before the first response of the stream every nonce counts as none (P11). After it, a request with another nonce than the
 * last response's is ignored whole: a newer one follows (N3, P10). An error that is said again counts once (N9).
 */
const ON_REQUEST: Table<Meaning, Handler> = {
  unasked: { edit: begin, ack: begin, nack: begin, unneeded: begin, foreign: begin },
  unanswered: { edit: edit, ack: edit, nack: edit, unneeded: edit, foreign: edit },
  inFlight: { edit: ignore, ack: take, nack: refuse, unneeded: shelve, foreign: ignore },
  settled: { edit: ignore, ack: edit, nack: edit, unneeded: edit, foreign: ignore },
};

/** What a request of the state-of-the-world dialect means. */
export function meaningOf({ nonce, inflight }: TypeState, request: SotwRequest): Meaning {
  if (request.nonce === "") return "edit";
  if (request.nonce !== nonce) return "foreign";
  if (request.error !== undefined) return "nack";
  return inflight !== undefined && inflight.version !== request.versionInfo ? "unneeded" : "ack";
}

/** A request of the state-of-the-world dialect: the whole list of names, and an answer to the last response. */
export function receive(state: TypeState, request: SotwRequest): Received {
  return ON_REQUEST[standingOf(state)][meaningOf(state, request)](state, request);
}

function thenEdited({ state, events }: Received, request: SotwRequest): Received {
  return { state: edited(state, request), events };
}

/** The type with the names of the request in place of those before. */
function edited(state: TypeState, { names }: SotwRequest): TypeState {
  const before = state.subscription;
  const subscription = replaceNames(state.typeUrl, before, names);
  return before === undefined || subscription === before ? state : resubscribe(state, before, subscription);
}

/** What the client gave up is forgotten, and what it asks for now is answered unless it has it. */
function resubscribe(state: TypeState, before: Subscription, subscription: Subscription): TypeState {
  const next: TypeState = { ...state, subscription };
  if (subscription.wildcard) {
    if (before.wildcard)
      return owe(
        next,
        [...subscription.names].filter((name) => !knownOf(next.client, name)),
      );
    return { ...next, client: NO_CLIENT, pending: "all", owed: "all" };
  }
  const added = [...subscription.names].filter((name) => !covers(before, name));
  return owe(forget(next, added), added);
}

/** The response that is due now: complete sets for clusters and listeners (U9, P34), else only what changed. */
export function respond(state: TypeState, wanted: Wanted, nonce: string): Responded {
  if (isUpToDate(state, wanted)) return { state: adopt(state, wanted) };
  const changes = difference(state, wanted);
  const settled: TypeState = { ...state, owed: NO_NAMES, claimed: "", pending: changes.pending };
  if (!isOwed(state) && !changes.fresh) return { state: settled };
  return COMPLETE_SET_TYPES.has(state.typeUrl)
    ? respondWhole(settled, wanted, changes, nonce)
    : respondPart(state, settled, { wanted, changes, nonce });
}

/** A reconnected client that says it has just this version of everything is left alone (rule R5). */
function isUpToDate(state: TypeState, wanted: Wanted): boolean {
  return (
    COMPLETE_SET_TYPES.has(state.typeUrl) &&
    state.owed === "all" &&
    state.subscription?.wildcard === true &&
    state.claimed !== "" &&
    state.claimed === wanted.version
  );
}

function adopt(state: TypeState, { resources, version }: Wanted): TypeState {
  const client = clientWith(resources);
  return { ...state, client, pending: NO_NAMES, owed: NO_NAMES, claimed: "", ackedVersion: version, mayHold: false };
}

function respondWhole(settled: TypeState, wanted: Wanted, changes: Difference, nonce: string): Responded {
  const goals = goalsOf(settled, wanted);
  // Nothing of what was named exists, and nothing of it ever did: there is no way to say so in this dialect (R6).
  const { wildcard, found } = settled.subscription ?? {};
  if (goals.size === 0 && changes.gone.length === 0 && wildcard !== true && found === undefined)
    return { state: settled };
  const version = wanted.held.size === 0 ? wanted.version : `${wanted.version}+${wanted.held.size}`;
  const inflight = { nonce, version, resources: goals, removed: [], whole: true, dropped: changes.gone };
  return {
    state: { ...settled, inflight, nonce, parked: NOTHING_PARKED },
    response: { typeUrl: settled.typeUrl, nonce, version, resources: listOf(goals), removed: [] },
    changed: changes.changed,
  };
}

interface PartDue {
  readonly wanted: Wanted;
  readonly changes: Difference;
  readonly nonce: string;
}

function respondPart(before: TypeState, settled: TypeState, { wanted, changes, nonce }: PartDue): Responded {
  // Absence says nothing of these types: what is gone is simply no longer kept track of.
  const client = withKnown(
    before.client,
    changes.gone.map((name) => [name, undefined] as const),
  );
  const state: TypeState = { ...settled, client };
  const list = isOwed(before) ? asked(before, wanted, changes) : changes.changed;
  if (list.length === 0) return { state };
  const { version } = wanted;
  const resources = new Map(list.map((resource) => [resource.name, resource]));
  const inflight = { nonce, version, resources, removed: [], whole: false, dropped: [] };
  return {
    state: { ...state, inflight, nonce, parked: changes.fresh ? NOTHING_PARKED : state.parked },
    response: { typeUrl: state.typeUrl, nonce, version, resources: list, removed: [] },
    changed: changes.changed,
  };
}

/** What was asked for, and what changed besides. */
function asked(before: TypeState, wanted: Wanted, changes: Difference): readonly Resource[] {
  const items = new Map<string, Resource>();
  const wildcard = before.subscription?.wildcard === true ? [...wanted.resources.keys()] : [];
  const names = before.owed === "all" ? [...(before.subscription?.names ?? []), ...wildcard] : before.owed;
  for (const name of wanted.finder?.members(names) ?? names) {
    const resource = goalOf(before, wanted, name) ?? absentee(before, wanted, name);
    if (resource !== undefined && before.parked.get(name) !== resource.version) items.set(name, resource);
  }
  if (changes.fresh) for (const resource of changes.changed) items.set(resource.name, resource);
  return [...items.values()];
}

/** Endpoints of a cluster that the node should not have: an empty set ends the cluster's warming (rule R6). */
function absentee(state: TypeState, wanted: Wanted, name: string): Resource | undefined {
  if (state.typeUrl !== ENDPOINTS || name === "") return undefined;
  return wanted.absent?.(name);
}
