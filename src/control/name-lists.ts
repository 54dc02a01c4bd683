/** Lists kept at most, and names in all of them; beyond that the oldest are let go. */
const LIMITS = { lists: 1_000, names: 500_000 };

/**
 * Gives equal lists of names as one list: the nodes of a group ask for the same thousand names, and are to cost one.
 */
export class NameLists {
  readonly #lists = new Map<string, readonly string[]>();
  readonly #limits: typeof LIMITS;
  /** The newest: most streams ask for what the one before asked for. */
  #last: readonly string[] | undefined;
  #names = 0;

  constructor(limits: Partial<typeof LIMITS> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** The first list that was seen with these names in this order. */
  one(names: readonly string[]): readonly string[] {
    if (names.length === 0 || names === this.#last) return names;
    const one = this.#one(names);
    this.#last = one;
    return one;
  }

  #one(names: readonly string[]): readonly string[] {
    const key = `${names.length} ${names[0]} ${names.at(-1)}`;
    const known = this.#lists.get(key);
    if (known === names) return names;
    if (known !== undefined && known.every((name, index) => name === names[index])) return known;
    this.#drop(key);
    this.#lists.set(key, names);
    this.#names += names.length;
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size <= this.#limits.lists && this.#names <= this.#limits.names) break;
      this.#drop(oldest);
    }
    return names;
  }

  #drop(key: string): void {
    this.#names -= this.#lists.get(key)?.length ?? 0;
    this.#lists.delete(key);
  }
}
