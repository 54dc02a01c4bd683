import type { Resource } from "../resource/resource.ts";
import { COMPLETE_SET_TYPES, ENDPOINTS } from "../resource/type-url.ts";
import { clientWith, knownOf, NO_CLIENT, withKnown } from "./client.ts";
import type { Response, SotwRequest, StreamEvent } from "./message.ts";
import type { Subscription } from "./subscription.ts";
import { covers, replaceNames } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";
import { acknowledge, forget, isOwed, NO_NAMES, NOTHING_PARKED, owe, refuse } from "./type-state.ts";
import type { Difference, Wanted } from "./wanted.ts";
import { difference, goalOf, goalsOf, listOf } from "./wanted.ts";

/** What a request did to its type. */
export interface Received {
  readonly state: TypeState;
  readonly events: readonly StreamEvent[];
}

/** What is to be sent for a type, if anything. */
export interface Responded {
  readonly state: TypeState;
  readonly response?: Response;
  /** Those of the response's resources that are new to the client. */
  readonly changed?: readonly Resource[];
}

/**
 * A request of the state-of-the-world dialect. One with another nonce than the last response's is ignored whole:
 * a newer one follows (rule N3, P10). Before the first response of the stream every nonce counts as none (P11).
 */
export function receive(before: TypeState, request: SotwRequest): Received {
  if (before.nonce !== "" && request.nonce !== before.nonce) return { state: before, events: [] };
  const { state, events } = settle(before, request);
  const subscription = replaceNames(state.typeUrl, before.subscription, request.names);
  if (before.subscription === undefined) {
    return { state: { ...state, subscription, owed: "all", claimed: request.versionInfo }, events };
  }
  if (subscription === before.subscription) return { state, events };
  return { state: resubscribe(state, before.subscription, subscription), events };
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
  return { ...state, client, pending: NO_NAMES, owed: NO_NAMES, claimed: "", ackedVersion: version };
}

function respondWhole(settled: TypeState, wanted: Wanted, changes: Difference, nonce: string): Responded {
  const goals = goalsOf(settled, wanted);
  // Nothing of what was named exists, and nothing of it ever did: there is no way to say so in this dialect (R6).
  if (goals.size === 0 && changes.gone.length === 0 && settled.subscription?.wildcard !== true)
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
  for (const name of names) {
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
