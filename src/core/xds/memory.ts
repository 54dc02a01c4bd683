import type { Client, Known } from "./client.ts";
import { clientWith, knownOf, lastGoodOf, NO_CLIENT, UNKNOWN_VERSION, unknownNames, withKnown } from "./client.ts";
import type { Refusal } from "./refusal.ts";
import type { Subscription } from "./subscription.ts";
import { covers } from "./subscription.ts";
import type { Inflight, TypeState } from "./type-state.ts";
import { forget, NO_NAMES, newTypeState, suspect } from "./type-state.ts";

/** What is remembered of a node between its streams; of a node that is away mostly without content (`content.ts`). */
export interface NodeMemory {
  readonly types: ReadonlyMap<string, Remembered>;
  /** Nothing was in flight or refused: the client has exactly what `types` says. */
  readonly settled: boolean;
  /** Refusals that have not been mended: names whose content in force is not known (N15). */
  readonly distrusted: ReadonlyMap<string, readonly string[]>;
}

export interface Remembered {
  readonly ackedVersion: string;
  readonly subscription: Subscription | undefined;
  readonly client: Client;
  /** The response that nobody has answered: the client may have taken it all the same. */
  readonly sent?:
    | (Pick<Inflight, "version" | "whole"> & { readonly resources: ReadonlyMap<string, Known> })
    | undefined;
  /** What was being done about a refusal when the stream ended. */
  readonly open?: OpenRefusal | undefined;
}

/** A refusal that was not mended. */
interface OpenRefusal {
  readonly refusal: Refusal;
  readonly parked: ReadonlyMap<string, string>;
  readonly error: string | undefined;
}

/** A node that this process knows nothing of. */
export const NO_MEMORY: NodeMemory = { types: new Map(), settled: false, distrusted: new Map() };

/** What to remember of a node that had these types on its stream. */
export function remembered(types: ReadonlyMap<string, TypeState>, before: NodeMemory): NodeMemory {
  // A stream may end before the node has asked for all of it again: it has what it had.
  const known = new Map(before.types);
  const distrusted = new Map(before.distrusted);
  let settled = before.settled || isAskedAgain(before, types);
  for (const [typeUrl, state] of types) {
    const { ackedVersion, subscription, client } = state;
    known.set(typeUrl, { ackedVersion, subscription, client, sent: sentOf(state), open: openRefusal(state) });
    settled &&= state.inflight === undefined || state.inflight.renews !== undefined;
    const names = doubtful(state);
    if (names.length > 0) distrusted.set(typeUrl, names);
    else distrusted.delete(typeUrl);
  }
  return { types: known, settled: settled && distrusted.size === 0, distrusted };
}

function sentOf({ inflight }: TypeState): Remembered["sent"] {
  if (inflight === undefined) return undefined;
  const { version, resources, whole } = inflight;
  return { version, resources, whole };
}

function openRefusal({ refusal, parked, error }: TypeState): OpenRefusal | undefined {
  return refusal === undefined ? undefined : { refusal: { ...refusal, news: undefined }, parked, error };
}

function isAskedAgain(before: NodeMemory, types: ReadonlyMap<string, TypeState>): boolean {
  for (const typeUrl of before.types.keys()) if (!types.has(typeUrl)) return false;
  return true;
}

/** Is anything being done about a refusal of the node? */
export function isMending({ types }: NodeMemory): boolean {
  for (const { open } of types.values()) if (open !== undefined) return true;
  return false;
}

/** What a refusal left unknown, and what was in flight: it may have been refused in part, and nobody heard (N15). */
function doubtful(state: TypeState): string[] {
  const unknown = unknownNames(state.client, state.subscription);
  const { inflight } = state;
  if (inflight === undefined) return unknown;
  const changed = [...inflight.resources.values()].flatMap(({ name, version }) =>
    knownOf(state.client, name)?.version === version ? [] : [name],
  );
  return [...new Set([...unknown, ...changed, ...inflight.removed, ...inflight.dropped])];
}

/** Begins a type with what the node had on its last stream, where its own words agree with that. */
export function beginType(memory: NodeMemory, typeUrl: string, claimed: string | undefined): TypeState {
  const state = newTypeState(typeUrl);
  const known = memory.types.get(typeUrl);
  if (known === undefined) return state;
  const { client, ackedVersion, sent, open } = known;
  const goesOn = open === undefined ? state : goingOn(state, open);
  // A client that has nothing is spared, too, what was refused under its name.
  if (claimed === "") return goesOn;
  if (claimed === undefined || claimed === ackedVersion) return { ...goesOn, client, ackedVersion };
  if (sent?.whole !== true || claimed !== sent.version) return state;
  return { ...goesOn, client: clientWith(sent.resources), ackedVersion: sent.version };
}

function goingOn(state: TypeState, { refusal, parked, error }: OpenRefusal): TypeState {
  return { ...state, refusal, parked, error };
}

/** After the first request of a type in SotW: what the node had not asked for before, it does not have. */
export function restrict(memory: NodeMemory, state: TypeState): TypeState {
  const before = memory.types.get(state.typeUrl)?.subscription;
  const { subscription, client } = state;
  if (client === NO_CLIENT || subscription === undefined || before === subscription || before?.wildcard === true) {
    return state;
  }
  if (before === undefined || subscription.wildcard) return { ...state, client: NO_CLIENT };
  if (before.names === subscription.names) return state;
  return forget(
    state,
    [...subscription.names].filter((name) => !covers(before, name)),
  );
}

/** Named types are answered on a new stream, but for what this process saw the node acknowledge (rule R5). */
export function oweUnseen(memory: NodeMemory, state: TypeState): TypeState {
  const { subscription } = state;
  if (subscription === undefined || subscription.wildcard) return state;
  const before = memory.types.get(state.typeUrl);
  if (!memory.settled || before?.subscription === undefined || state.client === NO_CLIENT) return state;
  const seen = (name: string): Known | undefined =>
    before.subscription !== undefined && covers(before.subscription, name) ? knownOf(before.client, name) : undefined;
  const owed = [...subscription.names].filter((name) => {
    const known = seen(name);
    return known === undefined || knownOf(state.client, name)?.version !== known.version;
  });
  return { ...state, owed: owed.length === 0 ? NO_NAMES : new Set(owed), claimed: "" };
}

/** Delta: what the client reports of the response that nobody has answered, this process knows whole. */
export function recognise(memory: NodeMemory, state: TypeState): TypeState {
  const sent = memory.types.get(state.typeUrl)?.sent;
  if (sent === undefined) return state;
  const taken = [...sent.resources].filter(([name, { version }]) => knownOf(state.client, name)?.version === version);
  return taken.length === 0 ? state : { ...state, client: withKnown(state.client, taken) };
}

/** What a refusal left in doubt is sent again in full, whatever the client reports (N15). */
export function distrust(memory: NodeMemory, state: TypeState): TypeState {
  const names = memory.distrusted.get(state.typeUrl);
  if (names === undefined || names.length === 0) return state;
  const before = memory.types.get(state.typeUrl)?.client ?? NO_CLIENT;
  const doubts = names.map((name) => {
    const known = knownOf(state.client, name);
    const lastGood = lastGoodOf(state.client === NO_CLIENT ? knownOf(before, name) : known);
    return [name, { version: UNKNOWN_VERSION, refs: known?.refs ?? [], lastGood }] as const;
  });
  const client = withKnown(state.client, doubts);
  const error = state.error ?? "what an earlier refusal left in force is not known yet";
  return suspect({ ...state, client, claimed: "", error }, new Set(names));
}
