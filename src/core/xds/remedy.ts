import type { Resource } from "../resource/resource.ts";
import { COMPLETE_SET_TYPES } from "../resource/type-url.ts";
import { ABSENT, knownOf, lastGoodOf, unknownNames } from "./client.ts";
import { culprits } from "./culprits.ts";
import type { Dialect } from "./message.ts";
import type { NackPolicy } from "./nack-policy.ts";
import { retryDelay } from "./nack-policy.ts";
import type { Refusal, Substitute, Substitutes } from "./refusal.ts";
import { FIRST_REFUSAL } from "./refusal.ts";
import { isResource } from "./removal.ts";
import type { TypeState } from "./type-state.ts";
import { NOTHING_PARKED, suspect } from "./type-state.ts";
import type { Wanted } from "./wanted.ts";
import { difference } from "./wanted.ts";

/** What a remedy is chosen by. */
interface Case {
  readonly policy: NackPolicy;
  readonly now: number;
  readonly dialect: Dialect;
}

/**
 * The type with what is to be done about its refusal, once: substitutes for what was refused, or a time to send it again.
 * Every answer that a refusal brings about sets at least one more resource back, and the last sets back all: a client that
 * refuses everything gets no more answers than it was sent resources.
 */
export function attend(state: TypeState, wanted: Wanted, one: Case): TypeState {
  const { refusal, pending } = state;
  if (refusal === undefined) return state;
  if (refusal.news === undefined && refusal.retryAt === undefined && pending !== "all" && pending.size === 0)
    return state;
  const current = withoutOutdated(state, refusal, wanted);
  const isOther = current !== state || hasOther(current, wanted);
  const seen = current.refusal ?? FIRST_REFUSAL;
  if (isOther && (seen.isWhole || typeof one.policy === "object")) return begunAnew(current, seen);
  if (seen.news !== undefined) return isOther ? named(current, wanted, one) : decided(current, wanted, one);
  if (seen.retryAt === undefined || one.now < seen.retryAt) return current;
  return { ...current, parked: NOTHING_PARKED, refusal: { ...seen, retryAt: undefined } };
}

/** Other content of the type is on its way: what was set back goes with it, for the fix may be anywhere. */
function begunAnew(state: TypeState, { instead }: Refusal): TypeState {
  return { ...suspect(state, new Set(instead.keys())), refusal: FIRST_REFUSAL };
}

/** The view has other content, which is sent in any case. What the client's words name is kept back from that. */
function named(state: TypeState, wanted: Wanted, one: Case): TypeState {
  const settled = { ...state, refusal: { ...(state.refusal ?? FIRST_REFUSAL), news: undefined } };
  return one.policy === "quarantine" ? (quarantined(state, wanted, one) ?? settled) : settled;
}

function decided(state: TypeState, wanted: Wanted, one: Case): TypeState {
  const refusal = { ...(state.refusal ?? FIRST_REFUSAL), news: undefined };
  if (one.policy === "park") return { ...state, refusal: refusal.instead.size > 0 ? refusal : undefined };
  if (one.policy === "rollback") return rolledBack(state, wanted, one);
  if (one.policy === "quarantine") return quarantined(state, wanted, one) ?? rolledBack(state, wanted, one);
  const attempts = refusal.attempts + 1;
  const delay = retryDelay(attempts, one.policy.retry);
  return { ...state, refusal: { ...refusal, attempts, retryAt: delay === undefined ? undefined : one.now + delay } };
}

/** Sets back everything that was refused, unless that was done before. */
function rolledBack(state: TypeState, wanted: Wanted, one: Case): TypeState {
  const refusal = { ...(state.refusal ?? FIRST_REFUSAL), news: undefined };
  const names = refusal.isWhole ? [] : unknownNames(state.client, state.subscription);
  const found = substitutes(state, wanted, names, one.dialect);
  if (found === undefined || [...found.values()].some(({ good }) => good !== undefined && !isResource(good)))
    return { ...state, refusal };
  return { ...state, refusal: { ...refusal, instead: new Map([...refusal.instead, ...found]), isWhole: true } };
}

/** Sets back what the client names. Undefined where it names nothing, or only what was set back before. */
function quarantined(state: TypeState, wanted: Wanted, one: Case): TypeState | undefined {
  const refusal = { ...(state.refusal ?? FIRST_REFUSAL), news: undefined };
  if (refusal.isWhole) return undefined;
  const found = substitutes(state, wanted, blamed(state), one.dialect);
  if (found === undefined || found.size === 0) return undefined;
  return { ...state, refusal: { ...refusal, instead: new Map([...refusal.instead, ...found]) } };
}

/** The names that the client's words blame; the only one that was new to it needs no words. */
function blamed({ client, subscription, refusal, error }: TypeState): readonly string[] {
  const news = refusal?.news ?? new Map<string, Resource>();
  const named = [...culprits(error ?? "", news)];
  if (named.length > 0) return named;
  const changed = unknownNames(client, subscription).filter((name) => news.has(name));
  return changed.length === 1 ? changed : [];
}

/**
 * What the client last acknowledged of these, where the view has something else. Undefined where a complete set would take
 * away what the client may have, since this process does not have it.
 */
function substitutes(
  state: TypeState,
  wanted: Wanted,
  names: readonly string[],
  dialect: Dialect,
): Substitutes | undefined {
  const isWhole = dialect === "sotw" && COMPLETE_SET_TYPES.has(state.typeUrl);
  const found = new Map<string, Substitute>();
  for (const name of names) {
    if (state.refusal?.instead.has(name) === true) continue;
    const refused = wanted.resources.get(name)?.version ?? ABSENT;
    const good = lastGoodOf(knownOf(state.client, name));
    if ((good?.version ?? ABSENT) === refused || state.parked.get(name) !== refused) continue;
    if (isWhole && (good === undefined ? state.mayHold : !isResource(good))) return undefined;
    found.set(name, { refused, good });
  }
  return found;
}

/** Drops the substitutes of content that the view does not have any more: what it has now was never refused. */
function withoutOutdated(state: TypeState, refusal: Refusal, { resources }: Wanted): TypeState {
  const outdated = [...refusal.instead].flatMap(([name, { refused }]) =>
    (resources.get(name)?.version ?? ABSENT) === refused ? [] : [name],
  );
  if (outdated.length === 0) return state;
  const instead = new Map(refusal.instead);
  for (const name of outdated) instead.delete(name);
  return { ...suspect(state, new Set(outdated)), refusal: { ...refusal, instead } };
}

/** Has the view anything for the client that is other content than what it has refused? */
export function hasOther(state: TypeState, wanted: Wanted): boolean {
  return difference({ ...state, parked: keptBack(state) }, wanted).fresh;
}

/** All content that is not to be sent by itself: what was refused last, and what has substitutes. */
function keptBack({ parked, refusal }: TypeState): ReadonlyMap<string, string> {
  if (refusal === undefined || refusal.instead.size === 0) return parked;
  const all = new Map(parked);
  for (const [name, { refused }] of refusal.instead) all.set(name, refused);
  return all;
}

/** Sets with substitutes in them by the view's own set: clients that refused the same share one, and its bytes. */
const made = new WeakMap<Wanted["resources"], Map<string, Wanted["resources"]>>();

/** So many of them for one set of a view: clients may refuse whatever they like. */
const MADE_LIMIT = 8;

/** What the client should have with the substitutes in place of what it refused. The version says that it is not the view's. */
export function withSubstitutes(wanted: Wanted, { refusal }: TypeState): Wanted {
  if (refusal === undefined || refusal.instead.size === 0) return wanted;
  const { instead } = refusal;
  const version = `${wanted.version}~${instead.size}`;
  const key = JSON.stringify([...instead].map(([name, { good }]) => [name, good?.version, isResource(good)]));
  const known = made.get(wanted.resources) ?? new Map<string, Wanted["resources"]>();
  const before = known.get(key);
  const held = new Set(wanted.held);
  for (const [name, { good }] of instead) if (good !== undefined && !isResource(good)) held.add(name);
  if (before !== undefined) return { ...wanted, version, held, resources: before };
  const resources = new Map(wanted.resources);
  for (const [name, { good }] of instead) {
    if (isResource(good)) resources.set(name, good);
    else resources.delete(name);
  }
  const [oldest] = known.keys();
  if (known.size >= MADE_LIMIT && oldest !== undefined) known.delete(oldest);
  made.set(wanted.resources, known.set(key, resources));
  return { ...wanted, version, held, resources };
}
