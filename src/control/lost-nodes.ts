/** What is kept of nodes that went away. */
export interface LostLimits {
  /** For how long, in milliseconds. */
  readonly ageMs: number;
  /** Of how many. */
  readonly count: number;
  /** Names of resources that all of them together have asked for, or may have been sent. */
  readonly names: number;
}

/** A day: whoever looks in the morning for what went away at night finds it. Beyond the count, names are made up (P58). */
const LIMITS: LostLimits = { ageMs: 24 * 60 * 60_000, count: 10_000, names: 1_000_000 };

interface Lost {
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Names that are remembered of it. */
  readonly names: number;
}

/** Who is away, since when, and with how much to remember. */
export class LostNodes {
  readonly #limits: LostLimits;
  /** Who went first is first. */
  readonly #lost = new Map<string, Lost>();
  /** Those of which names are remembered, in the same order. */
  readonly #remembered = new Set<string>();
  #names = 0;

  constructor(limits: Partial<LostLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  went(id: string, since: number, names: number): void {
    this.cameBack(id);
    this.#lost.set(id, { since, names });
    if (names > 0) this.#remembered.add(id);
    this.#names += names;
  }

  cameBack(id: string): void {
    const lost = this.#lost.get(id);
    if (lost === undefined) return;
    this.#lost.delete(id);
    if (this.#remembered.delete(id)) this.#names -= lost.names;
  }

  /** Takes out those that have been away for too long, and of too many the ones that went first. */
  takeForgotten(now: number): readonly string[] {
    const forgotten: string[] = [];
    for (const [id, { since }] of this.#lost) {
      if (this.#lost.size <= this.#limits.count && now - since < this.#limits.ageMs) break;
      this.cameBack(id);
      forgotten.push(id);
    }
    return forgotten;
  }

  /** Those of which no names can be remembered any more, since all of them together have too many; they stay listed. */
  takeFaded(): readonly string[] {
    const faded: string[] = [];
    for (const id of this.#remembered) {
      if (this.#names <= this.#limits.names) break;
      this.#remembered.delete(id);
      this.#names -= this.#lost.get(id)?.names ?? 0;
      faded.push(id);
    }
    return faded;
  }
}
