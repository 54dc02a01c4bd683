import type { Reference } from "../resource/resource.ts";
import { COMPLETE_SET_TYPES } from "../resource/type-url.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { resourceOf, resourcesOf } from "../snapshot/snapshot.ts";
import { knownOf, UNKNOWN_VERSION } from "./client.ts";
import type { Types } from "./moves.ts";
import { Moves } from "./moves.ts";
import { isKeptBack } from "./refusal.ts";
import { hasOther } from "./remedy.ts";
import type { Removals } from "./removal.ts";
import { covers } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";
import { isOwed, NO_NAMES } from "./type-state.ts";
import type { Wanted } from "./wanted.ts";
import { isDifferent } from "./wanted.ts";

/** What convergence is judged by: a stream, as far as this is concerned. */
export interface Judged {
  readonly types: Types;
  readonly view: Snapshot | undefined;
  readonly viewSince: number;
  readonly openedAt: number;
  readonly removals: Removals;
  readonly expects: ReadonlyMap<string, Reference>;
}

/** How long a client that asks for nothing of a type is waited for to ask, in milliseconds: it may be about to. */
const ASKING_MS = 3_000;

/**
 * Has the client acknowledged everything that it asks for of this type in the view? Removals that are held back
 * or under way are not waited for.
 */
export function isTypeConverged(judged: Pick<Judged, "view" | "removals">, state: TypeState): boolean {
  const { view } = judged;
  if (view === undefined || state.subscription === undefined || state.owed === "all" || isKeptBack(state)) return false;
  if (state.pending !== "all" && state.pending.size === 0) return true;
  const wanted = wantedOf(judged, view, state.typeUrl);
  if (isDifferent(state, wanted)) return false;
  for (const name of wanted.held) if (knownOf(state.client, name)?.version === UNKNOWN_VERSION) return false;
  return true;
}

/** Has the client refused what it should have now? While other content is due, or on its way, its answer is still to come. */
export function isTypeRefused(judged: Judged, state: TypeState): boolean {
  if (state.error === undefined || state.subscription === undefined) return false;
  if (isOwed(state) || (state.inflight !== undefined && state.inflight.renews === undefined)) return false;
  const { view } = judged;
  if (view === undefined) return true;
  // What is done about it may be on its way in a moment.
  if (state.refusal?.news !== undefined) return false;
  return !isTypeConverged(judged, state) && !hasOther(state, wantedOf(judged, view, state.typeUrl));
}

function wantedOf({ removals }: Pick<Judged, "removals">, view: Snapshot, typeUrl: string): Wanted {
  const removing = removals.get(typeUrl);
  const held: ReadonlySet<string> = removing === undefined ? NO_NAMES : new Set(removing.keys());
  return { version: "", resources: resourcesOf(view, typeUrl), held };
}

/** What holds of types under a view, whatever the time. */
type Verdict = { readonly types: Types; readonly holds: boolean };
type Verdicts = Moves<readonly [], Verdict>;

const converged: Verdicts = new Moves();
const lacking: Verdicts = new Moves();

/** No moment at all: something else has to happen first. */
export const NEVER = Number.POSITIVE_INFINITY;

/** Has the client acknowledged everything that it asks for of its view, and all the time that it needs to ask? */
export function isConverged(judged: Judged, now: number): boolean {
  return convergedAt(judged, now) <= now;
}

/**
 * From when on the client counts as converged if nothing else happens, in milliseconds: not after `now` where it has
 * acknowledged all that it asks for; later where it may be about to ask for more; never where something is not acknowledged.
 */
export function convergedAt(judged: Judged, now: number): number {
  const { view, types, removals } = judged;
  if (view === undefined || types.size === 0) return NEVER;
  const holds = removals.size > 0 ? hasAll(judged) : hasAllShared(judged);
  return holds ? askedBy(judged, view, now) : NEVER;
}

function hasAllShared(judged: Judged): boolean {
  const known = converged.known(judged, NO_INPUTS);
  if (known !== undefined) return known.holds;
  return converged.keep(judged, NO_INPUTS, { types: judged.types, holds: hasAll(judged) }).holds;
}

const NO_INPUTS = [] as const;

function hasAll(judged: Judged): boolean {
  for (const state of judged.types.values()) {
    if (state.subscription !== undefined && !isTypeConverged(judged, state)) return false;
  }
  return true;
}

/**
 * When the client has had time enough to ask. A new stream has not asked yet for clusters, listeners, or for what these name;
 * an older one may have to ask for what a change brought, a new listener's routes for one.
 */
function askedBy(judged: Judged, view: Snapshot, now: number): number {
  const { openedAt, viewSince, expects } = judged;
  // Looked at before the branch: code that first runs three seconds after the start would have all of it compiled anew.
  const expectsNothing = expects.size === 0;
  if (now < openedAt + ASKING_MS) return lacksShared(judged, view) ? openedAt + ASKING_MS : now;
  if (expectsNothing || now >= viewSince + ASKING_MS) return now;
  for (const ref of expects.values()) if (isUnasked(judged, view, ref)) return viewSince + ASKING_MS;
  return now;
}

function lacksShared(judged: Judged, view: Snapshot): boolean {
  const known = lacking.known(judged, NO_INPUTS);
  if (known !== undefined) return known.holds;
  return lacking.keep(judged, NO_INPUTS, { types: judged.types, holds: lacksAnything(judged, view) }).holds;
}

function lacksAnything(judged: Judged, view: Snapshot): boolean {
  for (const [typeUrl, { resources }] of view.types) {
    const subscription = judged.types.get(typeUrl)?.subscription;
    if (subscription === undefined) {
      if (COMPLETE_SET_TYPES.has(typeUrl)) return true;
      continue;
    }
    for (const { name, refs } of resources.values()) {
      if (refs.length > 0 && covers(subscription, name) && refs.some((ref) => isUnasked(judged, view, ref)))
        return true;
    }
  }
  return false;
}

/** Is it in the view, and covered by no subscription yet? */
export function isUnasked({ types }: Pick<Judged, "types">, view: Snapshot, { typeUrl, name }: Reference): boolean {
  if (resourceOf(view, typeUrl, name) === undefined) return false;
  const subscription = types.get(typeUrl)?.subscription;
  return subscription === undefined || !covers(subscription, name);
}
