import type { Resource } from "../resource/resource.ts";
import { COMPLETE_SET_TYPES } from "../resource/type-url.ts";
import type { DeltaRequest } from "./message.ts";
import type { Received, Responded } from "./sotw.ts";
import { covers, editNames } from "./subscription.ts";
import type { Known, TypeState } from "./type-state.ts";
import { acknowledge, isOwed, NOTHING_OWED, owe, refuse } from "./type-state.ts";
import type { Wanted } from "./wanted.ts";
import { difference, target } from "./wanted.ts";

/**
 * A request of the incremental dialect: an edit of the subscription, an answer to a response, or both (D5). Edits are
 * applied whatever the nonce, for one that is dropped would be lost for ever (N3, P12, P13).
 */
export function receive(before: TypeState, request: DeltaRequest): Received {
  const { state, events } = settle(before, request);
  const subscription = editNames(state.typeUrl, before.subscription, request.subscribe, request.unsubscribe);
  if (before.subscription === undefined) {
    return { state: begin({ ...state, subscription }, request), events };
  }
  if (subscription === before.subscription) return { state, events };
  const client = new Map<string, Known>();
  const unsubscribed = new Set(request.unsubscribe);
  for (const [name, known] of state.client) {
    if (covers(subscription, name) && !unsubscribed.has(name)) client.set(name, known);
  }
  const startsAll = subscription.wildcard && !before.subscription.wildcard && request.subscribe.includes("*");
  const edited: TypeState = { ...state, subscription, client };
  if (startsAll) return { state: { ...edited, owed: "all" }, events };
  // A name asked for again may have been dropped by the client: answered even when nothing changed (U4, P26). One that is
  // given up under a wildcard is said again, or said to be gone (U3, P24).
  const again = [...request.subscribe, ...unsubscribed].filter((name) => name !== "*" && covers(subscription, name));
  return { state: owe(edited, again), events };
}

/** The first request of a type on a stream: what the client has is what it reports (D2, P32). */
function begin(state: TypeState, request: DeltaRequest): TypeState {
  const client = new Map<string, Known>();
  for (const [name, version] of request.initialVersions) {
    client.set(
      name,
      state.client.get(name)?.version === version ? (state.client.get(name) as Known) : { version, refs: [] },
    );
  }
  const begun: TypeState = { ...state, client };
  if (state.subscription?.wildcard === true && client.size === 0) return { ...begun, owed: "all" };
  const named = request.subscribe.filter((name) => name !== "*");
  // A cluster or listener may be warming and wait for these, whatever versions the client has of them (R5, P41, P42).
  if (!COMPLETE_SET_TYPES.has(state.typeUrl)) return owe(begun, named);
  return owe(
    begun,
    named.filter((name) => !client.has(name)),
  );
}

function settle(before: TypeState, request: DeltaRequest): Received {
  const { inflight, typeUrl } = before;
  if (inflight === undefined || request.nonce !== inflight.nonce) return { state: before, events: [] };
  const { nonce, version } = inflight;
  if (request.error === undefined) {
    return { state: acknowledge(before, inflight), events: [{ kind: "acked", typeUrl, version, nonce }] };
  }
  const { state, names } = refuse(before, inflight, request.error.message);
  return { state, events: [{ kind: "refused", typeUrl, version, nonce, error: request.error, names }] };
}

/** The response that is due now: what changed, what is gone, and what was asked for. */
export function respond(state: TypeState, wanted: Wanted, nonce: string): Responded {
  const goal = target(state, wanted);
  const changes = difference(state, wanted, goal);
  const settled: TypeState = { ...state, owed: NOTHING_OWED };
  if (!isOwed(state) && !changes.fresh) return { state: settled };
  const resources = new Map<string, Resource>();
  const removed = new Set<string>();
  for (const name of state.owed === "all" ? goal.keys() : state.owed) {
    const resource = goal.get(name);
    if (resource === undefined) {
      // Told once for each time it is asked for, and never counted as known (P30). The empty name matches nothing.
      if (name !== "" && !wanted.held.has(name)) removed.add(name);
    } else if (state.parked.get(name) !== resource.version) resources.set(name, resource);
  }
  if (changes.fresh) {
    for (const resource of changes.changed) resources.set(resource.name, resource);
    for (const name of changes.gone) removed.add(name);
  }
  const startsEmpty = state.owed === "all" && state.nonce === "";
  if (resources.size + removed.size === 0 && !startsEmpty) return { state: settled };
  const { version } = wanted;
  const inflight = { nonce, version, resources, removed: [...removed], dropped: [] };
  return {
    state: { ...settled, inflight, nonce, parked: changes.fresh ? new Map() : state.parked },
    response: { typeUrl: state.typeUrl, nonce, version, resources: [...resources.values()], removed: [...removed] },
  };
}
