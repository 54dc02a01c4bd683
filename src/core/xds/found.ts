import { ROUTES, VIRTUAL_HOST } from "../resource/type-url.ts";
import { globOf } from "../resource/xdstp.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { HostFinder, hostIndexOf, hostsOf } from "./alias.ts";
import { entriesOf, knownOf } from "./client.ts";
import { GlobFinder, hasGlob, membersOf } from "./glob.ts";
import type { Dialect } from "./message.ts";
import type { Subscription } from "./subscription.ts";
import { covers } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";
import { forget, owe } from "./type-state.ts";
import type { Wanted } from "./wanted.ts";

/** The stream of a type whose names may stand for others. */
export interface Finding {
  readonly types: ReadonlyMap<string, TypeState>;
  readonly view: Snapshot | undefined;
}

/**
 * The type after a request, with what its names stand for where they may stand for others: virtual hosts by the hosts that
 * are asked for (delta only, as Envoy has it), and collections (`xdstp://` names that end in a star).
 */
export function foundAfter(
  dialect: Dialect,
  state: TypeState,
  before: Subscription | undefined,
  stream: Finding,
): TypeState {
  const { subscription, typeUrl } = state;
  if (subscription === undefined || subscription === before) return state;
  const isByHost = typeUrl === VIRTUAL_HOST && dialect === "delta";
  return isByHost || hasGlob(subscription.names) ? withFound(state, before, stream) : state;
}

/**
 * The type with what its names stand for in the view. What they did not stand for before the client does not have; what
 * they stood for, and the client has, stays until the client has heard that it is gone.
 *
 * @param before the subscription as it was; undefined at its begin, when the client has just what it reported
 */
export function withFound(state: TypeState, before: Subscription | undefined, stream: Finding): TypeState {
  const { subscription, typeUrl } = state;
  if (subscription === undefined) return state;
  const found = new Set(typeUrl === VIRTUAL_HOST ? hostsIn(subscription, stream) : membersIn(state, stream));
  const news = [...found].filter((name) => !isKnown(before, name));
  for (const name of hadBefore(state, before)) found.add(name);
  const next = { ...state, subscription: { ...subscription, found } };
  const due = news.filter((name) => name.endsWith("/") && isAnswered(stream.types, name.slice(0, -1)));
  return owe(before === undefined ? next : forget(next, news), due);
}

function* hostsIn({ names }: Subscription, { view }: Finding): Generator<string> {
  const { find, routes } = hostIndexOf(view);
  yield* routes.map(hostsOf);
  for (const asked of names) {
    const name = find(asked);
    if (name !== undefined) yield name;
  }
}

function* membersIn({ typeUrl, subscription }: TypeState, { view }: Finding): Generator<string> {
  const resources = view?.types.get(typeUrl)?.resources;
  if (resources !== undefined) for (const name of subscription?.names ?? []) yield* membersOf(resources, name);
}

/** What the client has of what its names stood for. With names given up it has none of that any more. */
function hadBefore(state: TypeState, before: Subscription | undefined): readonly string[] {
  const { subscription, typeUrl } = state;
  if (before !== undefined) {
    for (const name of before.names) if (subscription?.names.has(name) !== true) return [];
    return [...(before.found ?? [])].filter((name) => mayHave(state, name));
  }
  const has = [...entriesOf(state.client, undefined)].map(([name]) => name);
  return typeUrl === VIRTUAL_HOST ? has : has.filter((name) => subscription?.names.has(globOf(name) ?? "") === true);
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
export function withFinder(wanted: Wanted, { subscription, typeUrl }: TypeState, view: Snapshot): Wanted {
  if (subscription?.found === undefined) return wanted;
  if (typeUrl === VIRTUAL_HOST) return { ...wanted, finder: new HostFinder(view, subscription.names) };
  return { ...wanted, finder: new GlobFinder(wanted.resources) };
}
