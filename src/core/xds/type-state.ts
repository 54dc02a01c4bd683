import type { Reference, Resource } from "../resource/resource.ts";
import type { Subscription } from "./subscription.ts";

/** What is known of one resource in a client. A Resource is one; so is a name and version that a client reported. */
export interface Known {
  readonly version: string;
  readonly refs: readonly Reference[];
}

/** The version of content that is not known: a refused response may have been applied in part (rules N4–N6). */
export const UNKNOWN_VERSION = "?";

/** Stands for "not there" where a version is expected. */
export const ABSENT = "";

/** A response that has not been answered yet. */
export interface Inflight {
  readonly nonce: string;
  readonly version: string;
  readonly resources: ReadonlyMap<string, Resource>;
  readonly removed: readonly string[];
  /** Names that are not in the response and that it deletes by their absence (SotW, complete sets). */
  readonly dropped: readonly string[];
}

/** One type on one stream: an independent conversation with its own version, nonce and subscription (rule R1). */
export interface TypeState {
  readonly typeUrl: string;
  /** Undefined before the first request. */
  readonly subscription: Subscription | undefined;
  /** Nonce of the last response on this stream; empty before the first. */
  readonly nonce: string;
  /** What the client has acknowledged, or reported to have. */
  readonly client: ReadonlyMap<string, Known>;
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
}

export const NOTHING_OWED: ReadonlySet<string> = new Set();

/** A type before its first request. */
export function newTypeState(typeUrl: string): TypeState {
  return {
    typeUrl,
    subscription: undefined,
    nonce: "",
    client: new Map(),
    ackedVersion: "",
    claimed: "",
    inflight: undefined,
    owed: NOTHING_OWED,
    parked: new Map(),
    error: undefined,
  };
}

/** Is anything to be answered? */
export function isOwed(state: TypeState): boolean {
  return state.owed === "all" || state.owed.size > 0;
}

/** Adds names to what must be answered. */
export function owe(state: TypeState, names: Iterable<string>): TypeState {
  if (state.owed === "all") return state;
  const owed = new Set(state.owed);
  for (const name of names) owed.add(name);
  return owed.size === state.owed.size ? state : { ...state, owed };
}

/** The client took the response in flight. */
export function acknowledge(state: TypeState, inflight: Inflight): TypeState {
  const client = new Map(state.client);
  for (const name of [...inflight.removed, ...inflight.dropped]) client.delete(name);
  for (const [name, resource] of inflight.resources) client.set(name, resource);
  return { ...state, client, ackedVersion: inflight.version, inflight: undefined };
}

/**
 * The client refused the response in flight: nothing is known now of what that response changed. The content
 * is parked, so that it is not sent again by itself, and whatever else is wanted will be.
 *
 * @returns the names whose content is not known now
 */
export function refuse(state: TypeState, inflight: Inflight, error: string): { state: TypeState; names: string[] } {
  const client = new Map(state.client);
  const parked = new Map(state.parked);
  const names: string[] = [];
  const doubt = (name: string, refused: Resource | undefined): void => {
    const before = state.client.get(name);
    client.set(name, { version: UNKNOWN_VERSION, refs: [...(before?.refs ?? []), ...(refused?.refs ?? [])] });
    parked.set(name, refused?.version ?? ABSENT);
    names.push(name);
  };
  for (const [name, resource] of inflight.resources) {
    if (state.client.get(name)?.version !== resource.version) doubt(name, resource);
  }
  for (const name of [...inflight.removed, ...inflight.dropped]) {
    if (state.client.has(name)) doubt(name, undefined);
  }
  return { state: { ...state, client, parked, inflight: undefined, error }, names };
}
