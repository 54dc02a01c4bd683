/** What is kept at most. */
export interface RecentLimits {
  readonly count: number;
  /** What all values together weigh, in bytes. */
  readonly bytes: number;
  /** A value that was not used for so long goes with the next one that is new, in milliseconds. */
  readonly ms: number;
}

interface Kept<V> {
  readonly value: V;
  readonly bytes: number;
  usedAt: number;
}

/** Values by key, of which those that were used last are kept, within limits; the others make room for what is new. */
export class Recent<K, V> {
  readonly #limits: RecentLimits;
  readonly #now: () => number;
  /** What was used last is last. */
  readonly #kept = new Map<K, Kept<V>>();
  #bytes = 0;

  /** @param now in milliseconds */
  constructor(limits: RecentLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Does not count as a use: whoever asks may find that it is another value than the one looked for. */
  get(key: K): V | undefined {
    return this.#kept.get(key)?.value;
  }

  /** The value of the key is used now. */
  use(key: K): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    kept.usedAt = this.#now();
    this.#kept.delete(key);
    this.#kept.set(key, kept);
  }

  /** Puts a new value in place of what the key had. What weighs more than there may be of all goes at once. */
  set(key: K, value: V, bytes: number): void {
    this.#drop(key);
    const now = this.#now();
    this.#kept.set(key, { value, bytes, usedAt: now });
    this.#bytes += bytes;
    const most = this.#limits;
    for (const [oldest, { usedAt }] of this.#kept) {
      if (now - usedAt < most.ms && this.#kept.size <= most.count && this.#bytes <= most.bytes) return;
      this.#drop(oldest);
    }
  }

  #drop(key: K): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}
