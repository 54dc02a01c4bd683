import { weightOfNames, weightOfText } from "../core/xds/weight.ts";

/** Lists kept at most, and what all of them weigh, in bytes; beyond that the oldest are let go. */
const LIMITS = { lists: 1_000, bytes: 128 << 20 };

/**
 * Gives equal lists of names as one list: the nodes of a group ask for the same thousand names, and are to cost one.
 */
export class NameLists {
  readonly #lists = new Map<string, readonly string[]>();
  readonly #limits: typeof LIMITS;
  /** The newest: most streams ask for what the one before asked for. */
  #last: readonly string[] | undefined;
  #bytes = 0;

  constructor(limits: Partial<typeof LIMITS> = {}) {
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
    const known = this.#lists.get(key);
    if (known === names) return names;
    if (known !== undefined && known.every((name, index) => name === names[index])) return known;
    this.#drop(key);
    this.#lists.set(key, names);
    this.#bytes += weightOfList(key, names);
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size <= this.#limits.lists && this.#bytes <= this.#limits.bytes) break;
      this.#drop(oldest);
    }
    return names;
  }

  #drop(key: string): void {
    const list = this.#lists.get(key);
    if (list === undefined) return;
    this.#bytes -= weightOfList(key, list);
    this.#lists.delete(key);
  }
}

/** The key repeats two of the names. */
function weightOfList(key: string, names: readonly string[]): number {
  return weightOfText(key) + weightOfNames(names);
}
