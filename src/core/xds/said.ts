import type { NodeMemory } from "./memory.ts";
import type { ErrorDetail } from "./message.ts";
import { weightOfMemory, weightOfNames, weightOfText, weightOfVersions } from "./weight.ts";

/** What the move of a stream follows from that hears a request of the state of the world (`moves.ts`). */
export type SotwSaid = readonly [
  typeUrl: string,
  nonce: string,
  names: readonly string[],
  versionInfo: string,
  error: ErrorDetail | undefined,
  memory: NodeMemory | undefined,
];

/** The same of the incremental dialect. */
export type DeltaSaid = readonly [
  typeUrl: string,
  nonce: string,
  subscribe: readonly string[] | undefined,
  unsubscribe: readonly string[] | undefined,
  reported: ReadonlyMap<string, string> | undefined,
  error: ErrorDetail | undefined,
  memory: NodeMemory | undefined,
];

/** Which of either is the first list of names. */
export const NAMES_SAID = 2;

/** What the client's words in it weigh, in bytes. */
export function weightOfSotw([typeUrl, , names, versionInfo, error, memory]: SotwSaid): number {
  return weightOfText(typeUrl) + weightOfNames(names) + weightOfText(versionInfo) + weightOfRest(error, memory);
}

/** The same of the incremental dialect. */
export function weightOfDelta([typeUrl, , subscribe, unsubscribe, reported, error, memory]: DeltaSaid): number {
  const names = weightOfNames(subscribe ?? NONE) + weightOfNames(unsubscribe ?? NONE);
  const versions = reported === undefined ? 0 : weightOfVersions(reported);
  return weightOfText(typeUrl) + names + versions + weightOfRest(error, memory);
}

const NONE: readonly string[] = [];

function weightOfRest(error: ErrorDetail | undefined, memory: NodeMemory | undefined): number {
  return weightOfText(error?.message ?? "") + (memory === undefined ? 0 : weightOfMemory(memory));
}
