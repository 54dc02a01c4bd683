import type { Reference, Resource } from "../resource/resource.ts";
import { CLUSTER, ENDPOINTS, EXTENSION_CONFIG, ROUTES, SECRET } from "../resource/type-url.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { resourceOf } from "../snapshot/snapshot.ts";
import type { Known } from "./client.ts";
import { entriesOf, knownOf } from "./client.ts";
import { covers } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";

/** A name that the view dropped and that the client still has. */
export interface Removal {
  /** When the view dropped it, in milliseconds. */
  readonly since: number;
  /** It was referred to by something that the client has, at some time since. */
  readonly wasReferenced: boolean;
  /** Since when nothing that the client has refers to it. */
  readonly freeSince: number | undefined;
}

/** How long removals wait, in milliseconds. */
export interface HoldTimes {
  /** After the last reference to it was acknowledged to be gone: retries and other workers may still use it (W9). */
  readonly graceMs: number;
  /** At most, whatever refers to it: bounded by a clock, never by a predicate (P36, P45). */
  readonly holdMs: number;
}

/** Types whose removal breaks what refers to them. */
const HELD_TYPES: readonly string[] = [CLUSTER, ENDPOINTS, SECRET, ROUTES, EXTENSION_CONFIG];

/** Removals by type URL and name. */
export type Removals = ReadonlyMap<string, ReadonlyMap<string, Removal>>;

/** Brings the list of removals up to date with the view and with what the client has. */
export function trackRemovals(
  before: Removals,
  types: ReadonlyMap<string, TypeState>,
  view: Snapshot,
  now: number,
): Removals {
  const after = new Map<string, Map<string, Removal>>();
  let references: ReadonlySet<string> | undefined;
  for (const typeUrl of HELD_TYPES) {
    for (const name of droppedNames(types.get(typeUrl), view)) {
      references ??= referencesOf(types);
      const referenced = references.has(key({ typeUrl, name }));
      const known = before.get(typeUrl)?.get(name);
      const list = after.get(typeUrl) ?? new Map<string, Removal>();
      list.set(name, {
        since: known?.since ?? now,
        wasReferenced: referenced || known?.wasReferenced === true,
        freeSince: referenced ? undefined : (known?.freeSince ?? now),
      });
      after.set(typeUrl, list);
    }
  }
  return after.size === 0 ? NO_REMOVALS : after;
}

/** No removals at all. */
export const NO_REMOVALS: Removals = new Map();

/** Names that the client has and the view does not; the cost follows what is pending. */
function droppedNames(state: TypeState | undefined, view: Snapshot): string[] {
  if (state?.subscription === undefined) return [];
  const { subscription, pending, client, typeUrl } = state;
  const isGone = (name: string): boolean => resourceOf(view, typeUrl, name) === undefined;
  if (pending === "all") return [...entriesOf(client, subscription)].flatMap(([name]) => (isGone(name) ? [name] : []));
  return [...pending].filter(
    (name) => isGone(name) && covers(subscription, name) && knownOf(client, name) !== undefined,
  );
}

/** When the removal may be carried out, in milliseconds. */
export function releaseAt(removal: Removal, times: HoldTimes): number {
  const latest = removal.since + times.holdMs;
  if (removal.freeSince === undefined) return latest;
  return removal.wasReferenced ? Math.min(latest, removal.freeSince + times.graceMs) : removal.since;
}

/** Everything that the client has, may have, or is being sent refers to. */
function referencesOf(types: ReadonlyMap<string, TypeState>): ReadonlySet<string> {
  const references = new Set<string>();
  for (const state of types.values()) {
    const had: Known[] = [...entriesOf(state.client, state.subscription)].map(([, known]) => known);
    const all = [...had, ...(state.inflight?.resources.values() ?? [])];
    for (const { refs } of all) for (const ref of refs) references.add(key(ref));
  }
  return references;
}

function key(ref: Reference): string {
  return `${ref.typeUrl} ${ref.name}`;
}

/** Has the client been sent the whole resource by this process? Then it can be listed again. */
export function isResource(known: Known | undefined): known is Resource {
  return known !== undefined && "bytes" in known;
}
