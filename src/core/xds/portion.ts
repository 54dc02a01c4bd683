import type { SentResource } from "./message.ts";
import { NO_NAMES } from "./type-state.ts";

/** What an incremental response says. */
export interface Said {
  readonly resources: readonly SentResource[];
  readonly removed: readonly string[];
}

/** What goes now, and the names that go once that has been answered. */
export interface Portion {
  readonly now: Said;
  readonly later: ReadonlySet<string>;
}

/** The content of one response, in bytes: with all that is around it a response stays under the 4 MiB of most clients. */
const PORTION_BYTES = 4_000_000;

/** What a resource takes beside its content and its name: its type, its version and the heads of its fields. */
const AROUND_BYTES = 160;

/** A removed name and the head of its field. */
const HEAD_BYTES = 4;

/**
 * As much of a response as its client is sure to take: a longer one would break the stream, again after each reconnect
 * (P62). One resource goes however large it is. What is removed goes last, after all that may replace it.
 */
export function portion(said: Said): Portion {
  const { resources, removed } = said;
  let room = PORTION_BYTES;
  let count = 0;
  for (const { name, bytes } of resources) {
    room -= bytes.length + name.length + AROUND_BYTES;
    if (room < 0 && count > 0) break;
    count += 1;
  }
  let gone = 0;
  for (const name of count === resources.length ? removed : []) {
    // A character is three bytes at most, but for those that count as two.
    room -= 3 * name.length + HEAD_BYTES;
    if (room < 0 && count + gone > 0) break;
    gone += 1;
  }
  if (count === resources.length && gone === removed.length) return { now: said, later: NO_NAMES };
  const rest = resources.slice(count).map(({ name }) => name);
  const now = { resources: resources.slice(0, count), removed: removed.slice(0, gone) };
  return { now, later: new Set([...rest, ...removed.slice(gone)]) };
}
