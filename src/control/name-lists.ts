import { weightOfNames, weightOfText } from "../core/xds/weight.ts";
import type { RecentLimits } from "./recent.ts";
import { Recent } from "./recent.ts";

const LIMITS: RecentLimits = { count: 1_000, bytes: 128 << 20, ms: 5 * 60_000 };

/**
 * Gives equal lists of names as one list: the nodes of a group ask for the same thousand names, and are to cost one.
 */
export class NameLists {
  readonly #lists: Recent<string, readonly string[]>;
  readonly #mostBytes: number;
  /** The newest: most streams ask for what the one before asked for. */
  #last: readonly string[] | undefined;

  /** @param now in milliseconds */
  constructor(now: () => number, limits: Partial<RecentLimits> = {}) {
    const whole = { ...LIMITS, ...limits };
    this.#lists = new Recent(whole, now);
    this.#mostBytes = whole.bytes;
  }

  /** The first list that was seen with these names in this order. */
  one(names: readonly string[]): readonly string[] {
    if (names.length === 0 || names === this.#last) return names;
    const one = this.#one(names);
    this.#last = weightOfNames(one) <= this.#mostBytes ? one : undefined;
    return one;
  }

  #one(names: readonly string[]): readonly string[] {
    const key = `${names.length} ${names[0]} ${names.at(-1)}`;
    const known = this.#lists.get(key);
    if (known !== undefined && (known === names || known.every((name, index) => name === names[index]))) {
      this.#lists.use(key);
      return known;
    }
    // The key repeats two of the names.
    this.#lists.set(key, names, weightOfText(key) + weightOfNames(names));
    return names;
  }
}
