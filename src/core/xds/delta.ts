import type { Resource } from "../resource/resource.ts";
import { COMPLETE_SET_TYPES } from "../resource/type-url.ts";
import type { Known } from "./client.ts";
import { clientWith, knownOf, NO_CLIENT } from "./client.ts";
import type { DeltaRequest } from "./message.ts";
import type { Said } from "./portion.ts";
import { portion } from "./portion.ts";
import type { Received, Responded } from "./sotw.ts";
import { covers, editNames } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";
import { acknowledge, forget, isOwed, NO_NAMES, NOTHING_PARKED, owe, refuse } from "./type-state.ts";
import type { Difference, Wanted } from "./wanted.ts";
import { difference, goalOf, goalsOf } from "./wanted.ts";

/**
 * A request of the incremental dialect: an edit of the subscription, an answer to a response, or both (D5). Edits are
 * applied whatever the nonce, for one that is dropped would be lost for ever (N3, P12, P13).
 */
export function receive(before: TypeState, request: DeltaRequest, view: ReadonlyMap<string, Resource>): Received {
  const { state, events } = settle(before, request);
  const subscription = editNames(state.typeUrl, before.subscription, request.subscribe, request.unsubscribe);
  if (before.subscription === undefined) {
    return { state: begin({ ...state, subscription }, request, view), events };
  }
  if (subscription === before.subscription) return { state, events };
  const edited: TypeState = { ...state, subscription };
  if (subscription.wildcard && !before.subscription.wildcard && request.subscribe.includes("*")) {
    return { state: { ...edited, client: NO_CLIENT, pending: "all", owed: "all" }, events };
  }
  const isNew = before.subscription;
  const added = request.subscribe.filter((name) => name !== "*" && !covers(isNew, name));
  const given = forget(edited, [...added, ...request.unsubscribe.filter((name) => name !== "*")]);
  // A name asked for again may have been dropped by the client: answered even when nothing changed (U4, P26). One that is
  // given up under a wildcard is said again, or said to be gone (U3, P24).
  const again = [...request.subscribe, ...request.unsubscribe].filter(
    (name) => name !== "*" && covers(subscription, name),
  );
  return { state: owe(given, again), events };
}

/** The first request of a type on a stream: what the client has is what it reports (D2, P32). */
function begin(state: TypeState, request: DeltaRequest, view: ReadonlyMap<string, Resource>): TypeState {
  const reported = new Map<string, Known>();
  for (const [name, version] of request.initialVersions) {
    const likely = view.get(name) ?? knownOf(state.client, name);
    reported.set(name, likely?.version === version ? likely : { version, refs: [] });
  }
  const begun: TypeState = { ...state, client: clientWith(reported), pending: "all" };
  if (state.subscription?.wildcard === true && reported.size === 0) return { ...begun, owed: "all" };
  const named = request.subscribe.filter((name) => name !== "*");
  // A cluster or listener may be warming and wait for these, whatever versions the client has of them (R5, P41, P42).
  if (!COMPLETE_SET_TYPES.has(state.typeUrl)) return owe(begun, named);
  return owe(
    begun,
    named.filter((name) => !reported.has(name)),
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
  const changes = difference(state, wanted);
  const settled: TypeState = { ...state, owed: NO_NAMES, pending: changes.pending };
  if (!isOwed(state) && !changes.fresh) return { state: settled };
  const said = isOwed(state) ? asked(state, wanted, changes) : { resources: changes.changed, removed: changes.gone };
  const startsEmpty = state.owed === "all" && state.nonce === "";
  if (said.resources.length + said.removed.length === 0 && !startsEmpty) return { state: settled };
  const { version } = wanted;
  const { now, later } = portion(said);
  const named = new Map(now.resources.map((resource) => [resource.name, resource]));
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
  if (owed !== "all") return [...owed].filter((name) => covers(subscription, name));
  const goals = goalsOf(state, wanted).keys();
  return subscription.names.size === 0 ? goals : new Set([...goals, ...subscription.names]);
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
