/** How long, and how many, nodes that went away are remembered. */
export interface LostLimits {
  /** Milliseconds. */
  readonly ageMs: number;
  readonly count: number;
}

/** A day: whoever looks in the morning for what went away at night finds it. Beyond the count, names are made up (P58). */
const LIMITS: LostLimits = { ageMs: 24 * 60 * 60_000, count: 10_000 };

/** Who is away, and since when. */
export class LostNodes {
  readonly #limits: LostLimits;
  /** Node → when it went, in milliseconds since the epoch; who went first is first. */
  readonly #since = new Map<string, number>();

  constructor(limits: Partial<LostLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  went(id: string, now: number): void {
    this.#since.delete(id);
    this.#since.set(id, now);
  }

  cameBack(id: string): void {
    this.#since.delete(id);
  }

  /** Takes out those that have been away for too long, and of too many the ones that went first. */
  takeForgotten(now: number): readonly string[] {
    const forgotten: string[] = [];
    for (const [id, since] of this.#since) {
      if (this.#since.size <= this.#limits.count && now - since < this.#limits.ageMs) break;
      this.#since.delete(id);
      forgotten.push(id);
    }
    return forgotten;
  }
}
