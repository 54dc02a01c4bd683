import type { Resource } from "../resource/resource.ts";
import type { Client, Known } from "./client.ts";
import { ABSENT, clientWith, knownOf, lastGoodOf, NO_CLIENT, UNKNOWN_VERSION, withKnown } from "./client.ts";
import type { Refusal } from "./refusal.ts";
import { FIRST_REFUSAL } from "./refusal.ts";
import type { Subscription } from "./subscription.ts";

/** A response that has not been answered yet. */
export interface Inflight {
  readonly nonce: string;
  readonly version: string;
  readonly resources: ReadonlyMap<string, Resource>;
  readonly removed: readonly string[];
  /** SotW, complete sets: the response is all that there is, and deletes `dropped` by their absence. */
  readonly whole: boolean;
  readonly dropped: readonly string[];
  /** A heartbeat of these names: there is no news in it, and none in its answer. */
  readonly renews?: readonly string[];
}

/** Names that may differ between a client and what it should have: never fewer than those that do. */
export type Pending = "all" | ReadonlySet<string>;

/** One type on one stream: an independent conversation with its own version, nonce and subscription (rule R1). */
export interface TypeState {
  readonly typeUrl: string;
  /** Undefined before the first request. */
  readonly subscription: Subscription | undefined;
  /** Nonce of the last response on this stream; empty before the first. */
  readonly nonce: string;
  /** What the client has acknowledged, or reported to have. */
  readonly client: Client;
  readonly pending: Pending;
  /** Version last acknowledged, empty before. */
  readonly ackedVersion: string;
  /** SotW: `version_info` of the first request, until it has been compared with the view. */
  readonly claimed: string;
  readonly inflight: Inflight | undefined;
  /** Names to be answered even though nothing changed, or the whole subscription. */
  readonly owed: "all" | ReadonlySet<string>;
  /** Content that was refused, by name (`ABSENT` for a removal): it is not sent again by itself. */
  readonly parked: ReadonlyMap<string, string>;
  /** The client's words, until the type is in sync again. */
  readonly error: string | undefined;
  /** What is being done about it; undefined where nothing was refused, or nothing is done. */
  readonly refusal: Refusal | undefined;
  /** SotW: the client came with a version of which this process knows nothing, and has taken nothing since. */
  readonly mayHold: boolean;
  /** When each resource with a time to live was last said, in milliseconds, by name; undefined where none has one. */
  readonly beats?: ReadonlyMap<string, number>;
}

/** No names at all: nothing is owed, nothing is pending. */
export const NO_NAMES: ReadonlySet<string> = new Set();

/** Nothing was refused. */
export const NOTHING_PARKED: ReadonlyMap<string, string> = new Map();

/** A type before its first request. */
export function newTypeState(typeUrl: string): TypeState {
  return {
    typeUrl,
    subscription: undefined,
    nonce: "",
    client: NO_CLIENT,
    pending: "all",
    ackedVersion: "",
    claimed: "",
    inflight: undefined,
    owed: NO_NAMES,
    parked: NOTHING_PARKED,
    error: undefined,
    refusal: undefined,
    mayHold: false,
  };
}

/** Is anything to be answered? */
export function isOwed(state: Pick<TypeState, "owed">): boolean {
  return state.owed === "all" || state.owed.size > 0;
}

/** Adds names to what must be answered. */
export function owe(state: TypeState, names: Iterable<string>): TypeState {
  if (state.owed === "all") return state;
  const owed = new Set(state.owed);
  for (const name of names) owed.add(name);
  return owed.size === state.owed.size ? state : { ...state, owed };
}

/** Adds names to what may differ. A set that nothing is added to is kept as it is: streams share it. */
export function suspect(state: TypeState, names: ReadonlySet<string>): TypeState {
  const { pending } = state;
  if (pending === "all" || names.size === 0) return state;
  return { ...state, pending: pending.size === 0 ? names : new Set([...pending, ...names]) };
}

/** The client is known not to have these names any more, or not yet. */
export function forget(state: TypeState, names: readonly string[]): TypeState {
  if (names.length === 0) return state;
  const client = withKnown(
    state.client,
    names.map((name) => [name, undefined] as const),
  );
  return suspect({ ...state, client }, new Set(names));
}

/** The client took the response in flight. */
export function acknowledge(state: TypeState, inflight: Inflight): TypeState {
  if (inflight.renews !== undefined) return { ...state, inflight: undefined };
  const client = clientAfter(state.client, inflight);
  return { ...state, client, ackedVersion: inflight.version, inflight: undefined, mayHold: false };
}

function clientAfter(client: Client, { whole, resources, removed }: Inflight): Client {
  if (whole) return clientWith(resources);
  return withKnown(client, [...resources, ...removed.map((name) => [name, undefined] as const)]);
}

/**
 * The client refused the response in flight: nothing is known now of what that response changed. The content
 * is parked, so that it is not sent again by itself, and whatever else is wanted will be.
 *
 * @returns the names whose content is not known now
 */
export function refuse(state: TypeState, inflight: Inflight, error: string): { state: TypeState; names: string[] } {
  if (inflight.renews !== undefined) return { state: unrenewed(state, inflight.renews, error), names: [] };
  const parked = new Map(state.parked);
  const doubts = new Map<string, Known>();
  const doubt = (name: string, refused: Resource | undefined): void => {
    const before = knownOf(state.client, name);
    const refs = [...(before?.refs ?? []), ...(refused?.refs ?? [])];
    doubts.set(name, { version: UNKNOWN_VERSION, refs, lastGood: lastGoodOf(before) });
    parked.set(name, refused?.version ?? ABSENT);
  };
  for (const [name, resource] of inflight.resources) {
    if (knownOf(state.client, name)?.version !== resource.version) doubt(name, resource);
  }
  for (const name of [...inflight.removed, ...inflight.dropped]) {
    if (knownOf(state.client, name) !== undefined) doubt(name, undefined);
  }
  const names = [...doubts.keys()];
  const refusal = { ...(state.refusal ?? FIRST_REFUSAL), news: inflight.resources };
  const refused = { ...state, client: withKnown(state.client, doubts), parked, inflight: undefined, error, refusal };
  return { state: suspect(refused, new Set(names)), names };
}

/** What a client would not have renewed is never due again: it ends by itself, and comes back with other content. */
function unrenewed(state: TypeState, names: readonly string[], error: string): TypeState {
  const never = names.map((name) => [name, Number.POSITIVE_INFINITY] as const);
  return { ...state, inflight: undefined, error, beats: new Map([...(state.beats ?? []), ...never]) };
}
