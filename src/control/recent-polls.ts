/** What is kept of clients that poll. */
export interface PollLimits {
  /** How many are kept: 10,000 Envoys that poll five types each. */
  readonly polls: number;
  /** What all of them together ask for, in bytes, about. */
  readonly bytes: number;
}

const LIMITS: PollLimits = { polls: 50_000, bytes: 64 << 20 };

/** A name in a set, beside its characters. */
const NAME_BYTES = 64;

interface Kept<P> {
  readonly poll: P;
  readonly bytes: number;
}

/**
 * Who polls, by what is asked for. Within bounds, for whoever makes up ids or names is kept like anybody else (P58): beyond
 * them goes first who has asked but once, and of those who asked first.
 */
export class RecentPolls<P> {
  readonly #limits: PollLimits;
  readonly #once = new Map<string, Kept<P>>();
  readonly #again = new Map<string, Kept<P>>();
  #bytes = 0;

  constructor(limits: Partial<PollLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Who has asked for this before; it has asked again now. */
  again(key: string): P | undefined {
    const kept = this.#once.get(key) ?? this.#again.get(key);
    if (kept === undefined) return undefined;
    this.#once.delete(key);
    this.#again.delete(key);
    this.#again.set(key, kept);
    return kept.poll;
  }

  /** Somebody asks for the first time. */
  add(key: string, poll: P, names: number): void {
    const bytes = key.length + NAME_BYTES * names;
    this.#once.set(key, { poll, bytes });
    this.#bytes += bytes;
  }

  delete(key: string): void {
    this.#bytes -= (this.#once.get(key) ?? this.#again.get(key))?.bytes ?? 0;
    this.#once.delete(key);
    this.#again.delete(key);
  }

  /** Who has to go, one at a time: what is returned is kept no more. */
  takeBeyond(): P | undefined {
    const { polls, bytes } = this.#limits;
    if (this.#once.size + this.#again.size <= polls && this.#bytes <= bytes) return undefined;
    // Whoever has just come is the last to go: its question is under way.
    const [first] = this.#once.size > 1 || this.#again.size === 0 ? this.#once : this.#again;
    if (first === undefined) return undefined;
    this.delete(first[0]);
    return first[1].poll;
  }
}
