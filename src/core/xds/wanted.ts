import type { Resource } from "../resource/resource.ts";
import { covers } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";
import { ABSENT } from "./type-state.ts";

/** What a client should have of one type: its view, and what is kept a while although the view dropped it. */
export interface Wanted {
  /** What `version_info` and `system_version_info` say. */
  readonly version: string;
  readonly resources: ReadonlyMap<string, Resource>;
  /** Names that the view dropped and whose removal is held back. */
  readonly held: ReadonlySet<string>;
  /** Answers for a name that does not exist, where the protocol has no other way to say so (SotW endpoints, rule R6). */
  readonly absent?: (name: string) => Resource | undefined;
}

/** How a client differs from what it should have. */
export interface Difference {
  readonly changed: readonly Resource[];
  readonly gone: readonly string[];
  /** Something of it is other content than what the client has refused: worth sending. */
  readonly fresh: boolean;
}

/** What the subscription covers of what is wanted. */
export function target(state: TypeState, wanted: Wanted): ReadonlyMap<string, Resource> {
  const { subscription } = state;
  if (subscription === undefined) return new Map();
  if (subscription.wildcard) return wanted.resources;
  const named = new Map<string, Resource>();
  for (const name of subscription.names) {
    const resource = wanted.resources.get(name);
    if (resource !== undefined) named.set(name, resource);
  }
  return named;
}

/** What has to change in the client to make it have the target. */
export function difference(state: TypeState, wanted: Wanted, goal: ReadonlyMap<string, Resource>): Difference {
  const changed: Resource[] = [];
  let fresh = false;
  for (const [name, resource] of goal) {
    if (state.client.get(name)?.version === resource.version) continue;
    changed.push(resource);
    // A name that is owed is answered for itself: asking for more does not bring refused content again (P06).
    const owed = state.owed === "all" || state.owed.has(name);
    fresh ||= !owed && state.parked.get(name) !== resource.version;
  }
  const gone: string[] = [];
  for (const name of state.client.keys()) {
    if (goal.has(name) || wanted.held.has(name)) continue;
    if (state.subscription !== undefined && !covers(state.subscription, name)) continue;
    gone.push(name);
    fresh ||= state.parked.get(name) !== ABSENT;
  }
  return { changed, gone, fresh };
}
