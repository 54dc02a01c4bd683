/** What is kept of clients that poll. */
export interface PollLimits {
  /** How many are kept: 10,000 Envoys that poll five types each. */
  readonly polls: number;
  /** What all of them together ask for, and who they say they are, in bytes. */
  readonly bytes: number;
}

const LIMITS: PollLimits = { polls: 50_000, bytes: 128 << 20 };

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

  /**
   * Who has asked for this before; it has asked again now.
   *
   * @param bytes what it says of itself may have become more
   */
  again(key: string, bytes: number): P | undefined {
    const kept = this.#once.get(key) ?? this.#again.get(key);
    if (kept === undefined) return undefined;
    this.delete(key);
    this.#again.set(key, { poll: kept.poll, bytes });
    this.#bytes += bytes;
    return kept.poll;
  }

  /** Somebody asks for the first time. */
  add(key: string, poll: P, bytes: number): void {
    this.#once.set(key, { poll, bytes });
    this.#bytes += bytes;
  }

  delete(key: string): void {
    this.#bytes -= (this.#once.get(key) ?? this.#again.get(key))?.bytes ?? 0;
    this.#once.delete(key);
    this.#again.delete(key);
  }

  /**
   * Who has to go, one at a time: what is returned is kept no more.
   *
   * @param latest who has just asked is the last to go: its question is under way
   */
  takeBeyond(latest: string): P | undefined {
    const { polls, bytes } = this.#limits;
    if (this.#once.size + this.#again.size <= polls && this.#bytes <= bytes) return undefined;
    const key = firstBut(latest, this.#once) ?? firstBut(latest, this.#again) ?? latest;
    const gone = this.#once.get(key) ?? this.#again.get(key);
    this.delete(key);
    return gone?.poll;
  }
}

function firstBut(latest: string, polls: ReadonlyMap<string, unknown>): string | undefined {
  for (const key of polls.keys()) if (key !== latest) return key;
  return undefined;
}
