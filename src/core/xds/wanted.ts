import type { Resource } from "../resource/resource.ts";
import { ABSENT, entriesOf, knownOf } from "./client.ts";
import type { Said } from "./portion.ts";
import type { Subscription } from "./subscription.ts";
import { covers, namesOf } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";
import { NO_NAMES } from "./type-state.ts";

/** What a client should have of one type: its view, and what is kept a while although the view dropped it. */
export interface Wanted {
  /** What `version_info` and `system_version_info` say. */
  readonly version: string;
  readonly resources: ReadonlyMap<string, Resource>;
  /** Names that the view dropped and whose removal is held back. */
  readonly held: ReadonlySet<string>;
  /** Answers for a name that does not exist, where the protocol has no other way to say so (SotW endpoints, rule R6). */
  readonly absent?: (name: string) => Resource | undefined;
  /** What names of the subscription stand for, where they may stand for others (`found.ts`). */
  readonly finder?: Finder;
  /** Some of `resources` have a time to live. */
  readonly expires?: boolean;
}

/** Answers for names that stand for others. Types whose names only ever stand for themselves have none. */
export interface Finder {
  /** What these stand for; those that stand for themselves, or for nothing, as they are. */
  members(asked: Iterable<string>): Iterable<string>;
  /** The answer as it has to be said; `again`: names that are to be answered once this one is taken. */
  answer(state: TypeState, said: Said): { readonly said: Said; readonly again: readonly string[] };
}

/** How a client differs from what it should have. */
export interface Difference {
  readonly changed: readonly Resource[];
  readonly gone: readonly string[];
  /** Something of it is other content than what the client has refused: worth sending. */
  readonly fresh: boolean;
  /** What has to be looked at next time: all that differs, and what is held. */
  readonly pending: ReadonlySet<string>;
}

/** Whether the type is all in sync, looked at name by name. */
export const NO_DIFFERENCE: Difference = { changed: [], gone: [], fresh: false, pending: NO_NAMES };

/** What the client should have under this name. */
export function goalOf(state: TypeState, wanted: Wanted, name: string): Resource | undefined {
  if (state.subscription === undefined || !covers(state.subscription, name)) return undefined;
  return wanted.resources.get(name);
}

/** Everything that the subscription covers of what is wanted. */
export function goalsOf(state: TypeState, wanted: Wanted): ReadonlyMap<string, Resource> {
  const { subscription } = state;
  if (subscription === undefined) return new Map();
  if (subscription.wildcard) return wanted.resources;
  const named = new Map<string, Resource>();
  for (const name of namesOf(subscription)) {
    const resource = wanted.resources.get(name);
    if (resource !== undefined) named.set(name, resource);
  }
  return named;
}

/** What has to change in the client to make it have what is wanted. The cost follows what is pending, not what there is. */
export function difference(state: TypeState, wanted: Wanted): Difference {
  const { subscription, pending } = state;
  if (subscription === undefined || (pending !== "all" && pending.size === 0)) return NO_DIFFERENCE;
  if (wanted.held.size === 0 && hasVerySet(state, wanted)) return NO_DIFFERENCE;
  return differenceByName(state, subscription, wanted);
}

function differenceByName(state: TypeState, subscription: Subscription, wanted: Wanted): Difference {
  const { client, parked } = state;
  const changed: Resource[] = [];
  const gone: string[] = [];
  const still = new Set<string>();
  let fresh = false;
  for (const name of state.pending === "all" ? candidates(state, wanted) : state.pending) {
    if (!covers(subscription, name)) continue;
    const known = knownOf(client, name);
    const goal = wanted.resources.get(name);
    if (known?.version === goal?.version && (goal === undefined || !wanted.held.has(name))) continue;
    still.add(name);
    if (goal === undefined) {
      if (wanted.held.has(name)) continue;
      gone.push(name);
      fresh ||= parked.get(name) !== ABSENT;
    } else if (known?.version !== goal.version) {
      changed.push(goal);
      // A name that is owed is answered for itself: asking for more does not bring refused content again (P06).
      const owed = state.owed === "all" || state.owed.has(name);
      fresh ||= !owed && parked.get(name) !== goal.version;
    }
  }
  if (changed.length > 0) fresh ||= isOtherwise(parked, wanted);
  return { changed: shared(state.pending, changed), gone, fresh, pending: samePending(state, still) };
}

/** Is what the client has the very set that is wanted? After a whole set was taken it is: no name has to be looked at. */
export function hasVerySet({ client }: TypeState, { resources }: Wanted): boolean {
  return client.base === resources && client.except.size === 0;
}

/** Has anything to change in the client? Looked for until the first such thing is found. */
export function isDifferent(state: TypeState, wanted: Wanted): boolean {
  const { subscription, client, pending } = state;
  if (subscription === undefined || hasVerySet(state, wanted)) return false;
  for (const name of pending === "all" ? candidates(state, wanted) : pending) {
    if (!covers(subscription, name)) continue;
    const goal = wanted.resources.get(name)?.version;
    if (knownOf(client, name)?.version !== goal && (goal !== undefined || !wanted.held.has(name))) return true;
  }
  return false;
}

/**
 * A response was refused as a whole, for one bad resource perhaps: once anything in it is other content, or gone, what was
 * in it beside that is worth sending again.
 */
function isOtherwise(parked: TypeState["parked"], { resources }: Wanted): boolean {
  for (const [name, version] of parked) if ((resources.get(name)?.version ?? ABSENT) !== version) return true;
  return false;
}

function candidates(state: TypeState, wanted: Wanted): Set<string> {
  const names = new Set(goalsOf(state, wanted).keys());
  for (const [name] of entriesOf(state.client, state.subscription)) names.add(name);
  return names;
}

/** Keeps the set that streams share where nothing fell out of it. */
function samePending(state: TypeState, still: ReadonlySet<string>): ReadonlySet<string> {
  if (still.size === 0) return NO_NAMES;
  return state.pending !== "all" && state.pending.size === still.size ? state.pending : still;
}

/** Lists of changed resources by what was pending: streams in the same state send one list, so its bytes can be shared. */
const lists = new WeakMap<ReadonlySet<string>, readonly Resource[]>();

function shared(pending: TypeState["pending"], changed: readonly Resource[]): readonly Resource[] {
  if (pending === "all" || changed.length === 0) return changed;
  const known = lists.get(pending);
  if (known?.length === changed.length && known.every((resource, index) => resource === changed[index])) return known;
  lists.set(pending, changed);
  return changed;
}

/** The list of a whole set, made once for each. */
const wholes = new WeakMap<ReadonlyMap<string, Resource>, readonly Resource[]>();

/** All resources of a set as a list; streams that are sent the same set are given the same list. */
export function listOf(resources: ReadonlyMap<string, Resource>): readonly Resource[] {
  const known = wholes.get(resources);
  if (known !== undefined) return known;
  const list = [...resources.values()];
  wholes.set(resources, list);
  return list;
}
