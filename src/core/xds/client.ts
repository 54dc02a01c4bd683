import type { Reference } from "../resource/resource.ts";
import type { Subscription } from "./subscription.ts";
import { covers, namesOf } from "./subscription.ts";

/** What is known of one resource in a client. A Resource is one; so is a name and version that a client reported. */
export interface Known {
  readonly version: string;
  readonly refs: readonly Reference[];
  /** Of content that is not known: what the client last acknowledged, where it had any. */
  readonly lastGood?: Known | undefined;
}

/** The version of content that is not known: a refused response may have been applied in part (rules N4–N6). */
export const UNKNOWN_VERSION = "?";

/** Stands for "not there" where a version is expected. */
export const ABSENT = "";

/**
 * What a client has of one type: everything in `base` that its subscription covers, but for the exceptions. In steady state
 * `base` is the view that all clients of a group share and there is no exception, so that a client costs two references.
 */
export interface Client {
  readonly base: ReadonlyMap<string, Known>;
  /** By name; undefined where the client does not have it. */
  readonly except: ReadonlyMap<string, Known | undefined>;
}

const NO_EXCEPTIONS: ReadonlyMap<string, Known | undefined> = new Map();

/** A client that has nothing. */
export const NO_CLIENT: Client = { base: new Map(), except: NO_EXCEPTIONS };

/** A client that has just this. */
export function clientWith(base: ReadonlyMap<string, Known>): Client {
  return { base, except: NO_EXCEPTIONS };
}

/** What the client has under a name that its subscription covers. */
export function knownOf(client: Client, name: string): Known | undefined {
  return client.except.has(name) ? client.except.get(name) : client.base.get(name);
}

/**
 * The client after some names have changed; undefined: it does not have it any more. Of a name that it gave up nothing is
 * left, or it could give up names without end (P58).
 */
export function withKnown(client: Client, changes: Iterable<readonly [string, Known | undefined]>): Client {
  const { base } = client;
  const except = new Map(client.except);
  for (const [name, known] of changes) {
    if (known === undefined && !base.has(name)) except.delete(name);
    else except.set(name, known);
  }
  if (except.size > 0) return { base, except };
  return client.except.size === 0 ? client : clientWith(base);
}

/** What the client last acknowledged under a name, also where nothing is known of it now. */
export function lastGoodOf(known: Known | undefined): Known | undefined {
  return known?.version === UNKNOWN_VERSION ? known.lastGood : known;
}

/** Everything that the client has, of what its subscription covers. */
export function* entriesOf(client: Client, subscription: Subscription | undefined): Generator<[string, Known]> {
  if (subscription === undefined || subscription.wildcard) {
    for (const [name, known] of client.base) if (!client.except.has(name)) yield [name, known];
    for (const [name, known] of client.except) if (known !== undefined) yield [name, known];
    return;
  }
  for (const name of namesOf(subscription)) {
    const known = knownOf(client, name);
    if (known !== undefined) yield [name, known];
  }
}

/** Names whose content is not known; only exceptions can be. */
export function unknownNames(client: Client, subscription: Subscription | undefined): string[] {
  const names: string[] = [];
  for (const [name, known] of client.except) {
    if (known?.version === UNKNOWN_VERSION && (subscription === undefined || covers(subscription, name)))
      names.push(name);
  }
  return names;
}
