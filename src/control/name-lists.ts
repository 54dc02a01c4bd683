/** Lists of names kept at most; beyond that the oldest is let go. */
const LIMIT = 1_000;

/**
 * Gives equal lists of names as one list: the nodes of a group ask for the same thousand names, and are to cost one.
 */
export class NameLists {
  readonly #lists = new Map<string, readonly string[]>();

  /** The first list that was seen with these names in this order. */
  one(names: readonly string[]): readonly string[] {
    if (names.length === 0) return names;
    const key = `${names.length} ${names[0]} ${names.at(-1)}`;
    const known = this.#lists.get(key);
    if (known !== undefined && known.every((name, index) => name === names[index])) return known;
    this.#lists.delete(key);
    this.#lists.set(key, names);
    const [oldest] = this.#lists.keys();
    if (this.#lists.size > LIMIT && oldest !== undefined) this.#lists.delete(oldest);
    return names;
  }
}
