import { VIRTUAL_HOST } from "../resource/type-url.ts";
import { canonicalNames } from "../resource/xdstp.ts";

/** What a stream has asked for of one type. */
export interface Subscription {
  /** Everything of the type: `*`, or the legacy form, a first request without names. */
  readonly wildcard: boolean;
  /** The stream has never named anything for the type: an empty list goes on meaning everything. */
  readonly legacy: boolean;
  /** Names asked for, without `*`. The empty name is kept and matches nothing (P23). */
  readonly names: ReadonlySet<string>;
  /** Names that some of those stand for, as virtual hosts are found by a domain (`found.ts`); else undefined. */
  readonly found?: ReadonlySet<string>;
}

/** Types for which an empty first request is not a wildcard: it would leak every virtual host into every route (P38). */
const NO_LEGACY_WILDCARD: ReadonlySet<string> = new Set([VIRTUAL_HOST]);

const NOTHING: ReadonlySet<string> = new Set();

/** The set of a list, made once for each list: streams that were given one list share one set. */
const sets = new WeakMap<readonly string[], ReadonlySet<string>>();

function setOf(names: readonly string[]): ReadonlySet<string> {
  const known = sets.get(names);
  if (known !== undefined) return known;
  const made = new Set(canonicalNames(names));
  sets.set(names, made);
  return made;
}

/** Does the subscription cover this name? */
export function covers(subscription: Subscription, name: string): boolean {
  return subscription.wildcard || subscription.names.has(name) || subscription.found?.has(name) === true;
}

/** Everything that is asked for by name, and what those names stand for. */
export function namesOf({ names, found }: Subscription): ReadonlySet<string> {
  if (found === undefined || found.size === 0) return names;
  return names.size === 0 ? found : new Set([...names, ...found]);
}

/**
 * SotW: the list of a request replaces the one before. An empty list means everything as long as the stream
 * has never named anything for the type, and nothing afterwards (specification, "How the client specifies what
 * resources to return"; P22).
 */
export function replaceNames(
  typeUrl: string,
  before: Subscription | undefined,
  names: readonly string[],
): Subscription {
  if (names.length === 0) {
    const legacy = before === undefined ? !NO_LEGACY_WILDCARD.has(typeUrl) : before.legacy;
    if (before !== undefined && before.legacy === legacy && before.names.size === 0 && before.wildcard === legacy) {
      return before;
    }
    return { wildcard: legacy, legacy, names: NOTHING };
  }
  const asked = setOf(names);
  if (before !== undefined && before.names === asked && !before.wildcard) return before;
  if (!asked.has("*")) return { wildcard: false, legacy: false, names: asked };
  const explicit = new Set(asked);
  explicit.delete("*");
  return { wildcard: true, legacy: false, names: explicit };
}

/**
 * Delta: a request edits the subscription; subscribe first, then unsubscribe (P25). A first request without names
 * is a wildcard that later names do not end.
 */
export function editNames(
  typeUrl: string,
  before: Subscription | undefined,
  subscribe: readonly string[],
  unsubscribe: readonly string[],
): Subscription {
  if (subscribe.length === 0 && unsubscribe.length === 0) {
    if (before !== undefined) return before;
    const legacy = !NO_LEGACY_WILDCARD.has(typeUrl);
    return { wildcard: legacy, legacy, names: NOTHING };
  }
  if (before === undefined && unsubscribe.length === 0 && !setOf(subscribe).has("*")) {
    return { wildcard: false, legacy: false, names: setOf(subscribe) };
  }
  const legacy = before === undefined && subscribe.length === 0 && !NO_LEGACY_WILDCARD.has(typeUrl);
  const names = new Set(before?.names);
  let wildcard = before?.wildcard ?? legacy;
  for (const name of subscribe) {
    if (name === "*") wildcard = true;
    else names.add(name);
  }
  for (const name of unsubscribe) {
    if (name === "*") wildcard = false;
    else names.delete(name);
  }
  return { wildcard, legacy, names };
}
