import type { Resource } from "../resource/resource.ts";
import { COMPLETE_SET_TYPES, ENDPOINTS } from "../resource/type-url.ts";
import type { Response, SotwRequest, StreamEvent } from "./message.ts";
import { covers, replaceNames } from "./subscription.ts";
import type { Known, TypeState } from "./type-state.ts";
import { acknowledge, isOwed, NOTHING_OWED, owe, refuse } from "./type-state.ts";
import type { Difference, Wanted } from "./wanted.ts";
import { difference, target } from "./wanted.ts";

/** What a request did to its type. */
export interface Received {
  readonly state: TypeState;
  readonly events: readonly StreamEvent[];
}

/** What is to be sent for a type, if anything. */
export interface Responded {
  readonly state: TypeState;
  readonly response?: Response;
}

/**
 * A request of the state-of-the-world dialect. One with another nonce than the last response's is ignored whole:
 * a newer one follows (rule N3, P10). Before the first response of the stream every nonce counts as none (P11).
 */
export function receive(before: TypeState, request: SotwRequest): Received {
  if (before.nonce !== "" && request.nonce !== before.nonce) return { state: before, events: [] };
  const { state, events } = settle(before, request);
  const subscription = replaceNames(state.typeUrl, before.subscription, request.names);
  const client = new Map<string, Known>();
  for (const [name, known] of state.client) if (covers(subscription, name)) client.set(name, known);
  const next: TypeState = { ...state, subscription, client };
  if (before.subscription === undefined) {
    return { state: { ...next, owed: "all", claimed: request.versionInfo }, events };
  }
  if (subscription.wildcard && !before.subscription.wildcard) return { state: { ...next, owed: "all" }, events };
  const old = before.subscription.names;
  return {
    state: owe(
      next,
      [...subscription.names].filter((name) => !old.has(name) && !client.has(name)),
    ),
    events,
  };
}

function settle(before: TypeState, request: SotwRequest): Received {
  const { inflight } = before;
  if (inflight === undefined || request.nonce !== inflight.nonce) return { state: before, events: [] };
  const { typeUrl } = before;
  const { nonce, version } = inflight;
  if (request.error !== undefined) {
    const { state, names } = refuse(before, inflight, request.error.message);
    return { state, events: [{ kind: "refused", typeUrl, version, nonce, error: request.error, names }] };
  }
  // An old version with the new nonce and no error: the client has no use for the type now. Neither ACK nor NACK (N8).
  if (request.versionInfo !== version) {
    return { state: { ...refuse(before, inflight, "").state, error: before.error }, events: [] };
  }
  return { state: acknowledge(before, inflight), events: [{ kind: "acked", typeUrl, version, nonce }] };
}

/** The response that is due now: complete sets for clusters and listeners (U9, P34), else only what changed. */
export function respond(state: TypeState, wanted: Wanted, nonce: string): Responded {
  const goal = target(state, wanted);
  if (isUpToDate(state, wanted)) return { state: adopt(state, wanted, goal) };
  const changes = difference(state, wanted, goal);
  return COMPLETE_SET_TYPES.has(state.typeUrl)
    ? respondWhole(state, wanted, { nonce, goal, changes })
    : respondPart(state, wanted, { nonce, goal, changes });
}

interface Due {
  readonly nonce: string;
  readonly goal: ReadonlyMap<string, Resource>;
  readonly changes: Difference;
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

function adopt(state: TypeState, wanted: Wanted, goal: ReadonlyMap<string, Resource>): TypeState {
  return { ...state, client: goal, owed: NOTHING_OWED, claimed: "", ackedVersion: wanted.version };
}

function respondWhole(state: TypeState, wanted: Wanted, due: Due): Responded {
  const { goal, changes, nonce } = due;
  const settled: TypeState = { ...state, owed: NOTHING_OWED, claimed: "" };
  if (!isOwed(state) && !changes.fresh) return { state: settled };
  // Nothing of what was named exists, and nothing of it ever did: there is no way to say so in this dialect (R6).
  if (goal.size === 0 && changes.gone.length === 0 && state.subscription?.wildcard !== true) return { state: settled };
  const version = wanted.held.size === 0 ? wanted.version : `${wanted.version}+${wanted.held.size}`;
  const inflight = { nonce, version, resources: goal, removed: [], dropped: changes.gone };
  return {
    state: { ...settled, inflight, nonce, parked: new Map() },
    response: { typeUrl: state.typeUrl, nonce, version, resources: [...goal.values()], removed: [] },
  };
}

function respondPart(state: TypeState, wanted: Wanted, due: Due): Responded {
  const { goal, changes, nonce } = due;
  const items = new Map<string, Resource>();
  const asked = state.owed === "all" ? [...(state.subscription?.names ?? []), ...goal.keys()] : state.owed;
  for (const name of asked) {
    const resource = goal.get(name) ?? absentee(state, wanted, name);
    if (resource !== undefined && state.parked.get(name) !== resource.version) items.set(name, resource);
  }
  if (changes.fresh) for (const resource of changes.changed) items.set(resource.name, resource);
  const client = new Map(state.client);
  for (const name of changes.gone) client.delete(name);
  const settled: TypeState = { ...state, client, owed: NOTHING_OWED, claimed: "" };
  if (items.size === 0) return { state: settled };
  const version = wanted.version;
  const inflight = { nonce, version, resources: items, removed: [], dropped: [] };
  return {
    state: { ...settled, inflight, nonce, parked: changes.fresh ? new Map() : state.parked },
    response: { typeUrl: state.typeUrl, nonce, version, resources: [...items.values()], removed: [] },
  };
}

/** Endpoints of a cluster that the node should not have: an empty set ends the cluster's warming (rule R6). */
function absentee(state: TypeState, wanted: Wanted, name: string): Resource | undefined {
  if (state.typeUrl !== ENDPOINTS || name === "") return undefined;
  return wanted.absent?.(name);
}
