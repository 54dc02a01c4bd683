import { ROUTES, VIRTUAL_HOST } from "../resource/type-url.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { hostIndexOf, hostsOf } from "./alias.ts";
import { entriesOf, knownOf } from "./client.ts";
import type { SentResource } from "./message.ts";
import type { Said } from "./portion.ts";
import type { Subscription } from "./subscription.ts";
import { covers } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";
import { forget, owe } from "./type-state.ts";
import type { Finder, Wanted } from "./wanted.ts";

/** What is the same of a type's stream before and after. */
export interface Finding {
  /** The types of the stream. */
  readonly types: ReadonlyMap<string, TypeState>;
  readonly view: Snapshot | undefined;
}

/** The version of a virtual host that is said not to exist; no content hash is like it. */
export const NO_HOST = "none";

const NO_BYTES = new Uint8Array();

/** May names of this subscription stand for others? */
export function mayFind(typeUrl: string): boolean {
  return typeUrl === VIRTUAL_HOST;
}

/**
 * The type with what its names stand for in the view. What they did not stand for before the client does not have; what
 * they stood for, and the client has, stays until the client has heard that it is gone.
 *
 * @param before the subscription as it was; undefined at its begin, when the client has just what it reported
 */
export function withFound(
  state: TypeState,
  before: Subscription | undefined,
  stream: Finding,
  keeps: boolean,
): TypeState {
  const { subscription } = state;
  if (subscription === undefined) return state;
  const index = hostIndexOf(stream.view);
  const found = new Set(index.routes.map(hostsOf));
  for (const asked of subscription.names) {
    const name = index.find(asked);
    if (name !== undefined) found.add(name);
  }
  const news = [...found].filter((name) => !isKnown(before, name));
  if (before === undefined) for (const [name] of entriesOf(state.client, undefined)) found.add(name);
  else if (keeps) for (const name of before.found ?? []) if (mayHave(state, name)) found.add(name);
  const next = { ...state, subscription: { ...subscription, found } };
  const due = news.filter((name) => name.endsWith("/") && isAnswered(stream.types, name.slice(0, -1)));
  return owe(before === undefined ? next : forget(next, news), due);
}

function isKnown(before: Subscription | undefined, name: string): boolean {
  return before !== undefined && covers(before, name);
}

function mayHave({ client, inflight }: TypeState, name: string): boolean {
  return knownOf(client, name) !== undefined || inflight?.resources.has(name) === true;
}

/** Has the client been sent this route? A stream that carries no routes does not tell. */
function isAnswered(types: ReadonlyMap<string, TypeState>, route: string): boolean {
  const routes = types.get(ROUTES);
  if (routes?.subscription === undefined) return true;
  return covers(routes.subscription, route) && mayHave(routes, route);
}

/** What the type's client should have, with a finder where its names may stand for others. */
export function withFinder(wanted: Wanted, { subscription }: TypeState, view: Snapshot): Wanted {
  if (subscription?.found === undefined) return wanted;
  return { ...wanted, finder: new HostFinder(view, subscription.names) };
}

/** Virtual hosts by the hosts that clients ask for (VHDS, P38). */
class HostFinder implements Finder {
  readonly #view: Snapshot;
  readonly #names: ReadonlySet<string>;

  constructor(view: Snapshot, names: ReadonlySet<string>) {
    this.#view = view;
    this.#names = names;
  }

  members(asked: Iterable<string>): Iterable<string> {
    const { find } = hostIndexOf(this.#view);
    return new Set(Array.from(asked, (name) => find(name) ?? name));
  }

  answer(state: TypeState, { resources, removed }: Said): ReturnType<Finder["answer"]> {
    const aliases = resources.length === 0 ? new Map<string, string[]>() : this.#aliases();
    const again: string[] = [];
    const gone: string[] = [];
    const found: SentResource[] = resources.map((one) => ({ ...one, aliases: aliases.get(one.name) ?? [] }));
    for (const name of removed) {
      if (!this.#names.has(name)) gone.push(name);
      else if (knownOf(state.client, name) === undefined) found.push(absent(name));
      else {
        // Its name cannot be in both lists of a response (N11), and a request may wait for the other one.
        gone.push(name);
        if (state.owed === "all" || state.owed.has(name)) again.push(name);
      }
    }
    return { said: { resources: found, removed: gone }, again };
  }

  /** By virtual host, what the client has asked for and was led to it. */
  #aliases(): ReadonlyMap<string, string[]> {
    const { find } = hostIndexOf(this.#view);
    const aliases = new Map<string, string[]>();
    for (const asked of this.#names) {
      const name = find(asked);
      if (name === undefined) continue;
      const known = aliases.get(name);
      if (known === undefined) aliases.set(name, [asked]);
      else known.push(asked);
    }
    return aliases;
  }
}

/** Ends the requests that wait for the host with 404; to hear of its removal would leave them hanging. */
function absent(name: string): SentResource {
  return {
    typeUrl: VIRTUAL_HOST,
    name,
    version: NO_HOST,
    bytes: NO_BYTES,
    refs: [],
    aliases: [name],
    isBodiless: true,
  };
}
