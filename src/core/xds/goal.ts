import { ENDPOINTS } from "../resource/type-url.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { resourcesOf } from "../snapshot/snapshot.ts";
import { absentEndpoints } from "./absent.ts";
import { clientWith, knownOf } from "./client.ts";
import { withFinder } from "./found.ts";
import type { Dialect } from "./message.ts";
import type { Orphans } from "./orphan.ts";
import type { HoldTimes, Removals } from "./removal.ts";
import { isResource, releaseAt } from "./removal.ts";
import type { TypeState } from "./type-state.ts";
import { NO_NAMES } from "./type-state.ts";
import type { Wanted } from "./wanted.ts";

/** What decides what a client should have at this moment. */
export interface Moment {
  readonly before: { readonly dialect: Dialect; readonly types: ReadonlyMap<string, TypeState> };
  readonly view: Snapshot;
  readonly removals: Removals;
  readonly orphans: Orphans;
  readonly now: number;
  readonly times: HoldTimes;
}

/** What `version_info` says of a type of which the view has nothing. */
const EMPTY_VERSION = "0";

/** What a client should have of a type now: its view, what is kept for a while, and answers for what is not there. */
export function wantedNow(moment: Moment, state: TypeState): Wanted {
  const { before, view } = moment;
  const wanted = withFinder(wantedInView(moment, state), state, view);
  if (before.dialect !== "sotw" || state.typeUrl !== ENDPOINTS) return wanted;
  const absent = absentEndpoints(before.types, view);
  return absent === undefined ? wanted : { ...wanted, absent };
}

function wantedInView({ view, removals, orphans, now, times }: Moment, state: TypeState): Wanted {
  const set = view.types.get(state.typeUrl);
  const resources = resourcesOf(view, state.typeUrl);
  const version = set?.version ?? EMPTY_VERSION;
  const expires = set?.expires === true;
  const removing = removals.get(state.typeUrl);
  const waitedFor = orphans.get(state.typeUrl);
  if (removing === undefined && waitedFor === undefined) return { version, resources, held: NO_NAMES, expires };
  const held = new Set<string>(waitedFor?.keys());
  for (const [name, removal] of removing ?? []) if (now < releaseAt(removal, times)) held.add(name);
  if (held.size === 0) return { version, resources, held: NO_NAMES, expires };
  const kept = new Map(resources);
  for (const name of held) {
    const known = knownOf(state.client, name);
    if (isResource(known)) kept.set(name, known);
  }
  for (const [name, resource] of waitedFor ?? []) if (!kept.has(name)) kept.set(name, resource);
  return { version, resources: kept, held, expires };
}

/** A client that has all of its view shares the view's own set from now on, with every other that has. */
export function settleOn(state: TypeState, { resources }: Wanted): TypeState {
  if (state.pending === "all" || state.pending.size > 0 || state.inflight !== undefined) return state;
  if (state.client.base === resources && state.client.except.size === 0) return state;
  return { ...state, client: clientWith(resources) };
}
