import { weightOfNames, weightOfText } from "../core/xds/weight.ts";

/**
 * Lists kept at most, and what all of them weigh, in bytes; beyond that the oldest are let go, and with a new one those that
 * nobody has asked for in so many milliseconds.
 */
const LIMITS = { lists: 1_000, bytes: 128 << 20, ms: 5 * 60_000 };

interface Kept {
  readonly list: readonly string[];
  /** In milliseconds. */
  readonly usedAt: number;
}

/**
 * Gives equal lists of names as one list: the nodes of a group ask for the same thousand names, and are to cost one.
 */
export class NameLists {
  /** What was asked for last is last. */
  readonly #lists = new Map<string, Kept>();
  readonly #limits: typeof LIMITS;
  readonly #now: () => number;
  /** The newest: most streams ask for what the one before asked for. */
  #last: readonly string[] | undefined;
  #bytes = 0;

  /** @param now in milliseconds */
  constructor(now: () => number, limits: Partial<typeof LIMITS> = {}) {
    this.#now = now;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** The first list that was seen with these names in this order. */
  one(names: readonly string[]): readonly string[] {
    if (names.length === 0 || names === this.#last) return names;
    const one = this.#one(names);
    this.#last = weightOfNames(one) <= this.#limits.bytes ? one : undefined;
    return one;
  }

  #one(names: readonly string[]): readonly string[] {
    const key = `${names.length} ${names[0]} ${names.at(-1)}`;
    const known = this.#lists.get(key)?.list;
    const isKnown = known === names || known?.every((name, index) => name === names[index]) === true;
    const list = isKnown ? (known ?? names) : names;
    const usedAt = this.#now();
    this.#drop(key);
    this.#lists.set(key, { list, usedAt });
    this.#bytes += weightOfList(key, list);
    if (!isKnown) this.#makeRoom(usedAt);
    return list;
  }

  #makeRoom(now: number): void {
    const { lists, bytes, ms } = this.#limits;
    for (const [oldest, { usedAt }] of this.#lists) {
      if (now - usedAt < ms && this.#lists.size <= lists && this.#bytes <= bytes) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    const kept = this.#lists.get(key);
    if (kept === undefined) return;
    this.#bytes -= weightOfList(key, kept.list);
    this.#lists.delete(key);
  }
}

/** The key repeats two of the names. */
function weightOfList(key: string, names: readonly string[]): number {
  return weightOfText(key) + weightOfNames(names);
}
