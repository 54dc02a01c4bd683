import type { Stream } from "./stream.ts";
import type { TypeState } from "./type-state.ts";
import { isOwed } from "./type-state.ts";

/** The most that the age of a stream may be above or below the one that is set: of a fleet that came at once, none goes at once. */
const SPREAD = 0.2;

/**
 * When a stream has reached its age, in milliseconds: the same moment whenever it is asked for, spread over the streams
 * by their tags (P72).
 */
export function agedAt({ openedAt, tag }: Stream, ageMs: number): number {
  return openedAt + ageMs * (1 - SPREAD + 2 * SPREAD * fractionOf(tag));
}

/** May the stream be ended without anything being lost: nothing is on its way, owed, held back, to be told or to be tried again? */
export function isQuiet({ types, removals, waiting }: Stream): boolean {
  if (removals.size + waiting.size > 0) return false;
  for (const state of types.values()) if (!isTypeQuiet(state)) return false;
  return true;
}

function isTypeQuiet({ inflight, owed, pending, parked, refusal }: TypeState): boolean {
  if (inflight !== undefined || isOwed({ owed }) || pending === "all") return false;
  if (refusal?.news !== undefined || refusal?.retryAt !== undefined) return false;
  // What is parked stays pending, and is nothing to be told.
  for (const name of pending) if (!parked.has(name) && refusal?.instead.has(name) !== true) return false;
  return true;
}

/** Something from 0 to 1 that looks like chance: tags are counted up, so neighbours are to be far apart. */
function fractionOf(tag: string): number {
  let hash = 2_166_136_261;
  for (let index = 0; index < tag.length; index += 1) hash = Math.imul(hash ^ tag.charCodeAt(index), 16_777_619);
  hash = Math.imul(hash ^ (hash >>> 15), 2_246_822_519);
  hash = Math.imul(hash ^ (hash >>> 13), 3_266_489_917);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
