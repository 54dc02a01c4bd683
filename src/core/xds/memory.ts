import type { Client, Known } from "./client.ts";
import { knownOf, NO_CLIENT, UNKNOWN_VERSION, unknownNames, withKnown } from "./client.ts";
import type { Subscription } from "./subscription.ts";
import { covers } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";
import { forget, NO_NAMES, newTypeState, suspect } from "./type-state.ts";

/** What is remembered of a node between its streams. */
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
}

/** A node that this process knows nothing of. */
export const NO_MEMORY: NodeMemory = { types: new Map(), settled: false, distrusted: new Map() };

/** What to remember of a node that had these types on its stream. */
export function remembered(types: ReadonlyMap<string, TypeState>, before: NodeMemory): NodeMemory {
  const known = new Map<string, Remembered>();
  const distrusted = new Map(before.distrusted);
  let settled = true;
  for (const [typeUrl, state] of types) {
    const { ackedVersion, subscription, client } = state;
    known.set(typeUrl, { ackedVersion, subscription, client });
    settled &&= state.inflight === undefined;
    const names = doubtful(state);
    if (names.length > 0) distrusted.set(typeUrl, names);
    else distrusted.delete(typeUrl);
  }
  return { types: known, settled: settled && distrusted.size === 0, distrusted };
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
  if (claimed !== undefined && (claimed === "" || claimed !== known.ackedVersion)) return state;
  return { ...state, client: known.client, ackedVersion: known.ackedVersion };
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

/** What a refusal left in doubt is sent again in full, whatever the client reports (N15). */
export function distrust(memory: NodeMemory, state: TypeState): TypeState {
  const names = memory.distrusted.get(state.typeUrl);
  if (names === undefined || names.length === 0) return state;
  const doubts = names.map((name) => {
    return [name, { version: UNKNOWN_VERSION, refs: knownOf(state.client, name)?.refs ?? [] }] as const;
  });
  const client = withKnown(state.client, doubts);
  const error = "what an earlier refusal left in force is not known yet";
  return suspect({ ...state, client, claimed: "", error }, new Set(names));
}
