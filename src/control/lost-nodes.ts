import type { Snapshot } from "../core/snapshot/snapshot.ts";
import type { View } from "./fleet.ts";

/** What is kept of nodes that went away. */
export interface LostLimits {
  /** For how long, in milliseconds. */
  readonly ageMs: number;
  /** Of how many. */
  readonly count: number;
  /** What all of them say of themselves, in bytes. */
  readonly identityBytes: number;
  /**
   * Names of resources that all of them together have asked for, or may have been sent. A list that many share counts
   * once: the nodes of a group ask for the same names and hold one list in memory. A name counts once for each 256 bytes
   * that it weighs.
   */
  readonly names: number;
}

/** A day: whoever looks in the morning for what went away at night finds it. Beyond the count, names are made up (P58). */
const LIMITS: LostLimits = { ageMs: 24 * 60 * 60_000, count: 10_000, identityBytes: 64 << 20, names: 1_000_000 };

/** A list, set or map of names that is remembered of a node, and perhaps of others. */
export interface HeldNames {
  /** What is held: equal content in another object counts again. */
  readonly in: object;
  readonly names: number;
}

/** What the last view that a node acknowledged keeps alive: it may be in use nowhere else any more. */
export function heldByView(view: View | undefined): readonly HeldNames[] {
  if (view === undefined) return [];
  return [...view.snapshot.types.values()].map(({ resources }) => ({ in: resources, names: resources.size }));
}

/**
 * The same view, whose content is all that is kept of it: what streams once did under a snapshot stands with the snapshot
 * (`moves.ts`), and must not stay as long as somebody is away.
 */
export function released(view: View): View {
  return { ...view, snapshot: { ...view.snapshot } };
}

/** What a name may weigh that counts as one: nearly a hundred characters. */
const NAME_BYTES = 256;

/** As how many names so many count that weigh so much. */
export function countOf(names: number, bytes: number): number {
  return Math.max(names, Math.ceil(bytes / NAME_BYTES));
}

const NOTHING: Snapshot = { digest: "", types: new Map() };

/** What is still known of such a view once it is let go: which one it was. */
export function withoutContent(view: View): View {
  return { ...view, snapshot: NOTHING };
}

/** When names are too many, so much room is made that not every node that goes has to look for some. */
const FADE_TO = 0.9;

interface Lost {
  /** In milliseconds since the epoch. */
  readonly since: number;
  readonly bytes: number;
}

/** Who is away, since when, and with how much to remember. */
export class LostNodes {
  readonly #limits: LostLimits;
  /** Who went first is first. */
  readonly #lost = new Map<string, Lost>();
  #identityBytes = 0;
  /** Those of which names are remembered, in the same order. */
  readonly #remembered = new Map<string, readonly HeldNames[]>();
  /** How many of those hold each list. */
  readonly #holders = new Map<object, number>();
  #names = 0;

  constructor(limits: Partial<LostLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** @param lost since when, and what it says of itself, in bytes */
  went(id: string, lost: Lost, held: readonly HeldNames[]): void {
    this.cameBack(id);
    this.#lost.set(id, lost);
    this.#identityBytes += lost.bytes;
    if (held.length === 0) return;
    this.#remembered.set(id, held);
    for (const part of held) {
      const holders = this.#holders.get(part.in) ?? 0;
      this.#holders.set(part.in, holders + 1);
      if (holders === 0) this.#names += part.names;
    }
  }

  cameBack(id: string): void {
    this.#identityBytes -= this.#lost.get(id)?.bytes ?? 0;
    this.#lost.delete(id);
    this.#letGo(id);
  }

  /** Takes out those that have been away for too long, and of too many the ones that went first. */
  takeForgotten(now: number): readonly string[] {
    const forgotten: string[] = [];
    for (const [id, { since }] of this.#lost) {
      if (!this.#areTooMany && now - since < this.#limits.ageMs) break;
      this.cameBack(id);
      forgotten.push(id);
    }
    return forgotten;
  }

  get #areTooMany(): boolean {
    const { count, identityBytes } = this.#limits;
    return this.#lost.size > count || this.#identityBytes > identityBytes;
  }

  /**
   * Those of which no names can be remembered any more, since all of them together have too many; they stay listed. First
   * those that hold something alone: to forget a node that shares its lists frees nothing.
   */
  takeFaded(): readonly string[] {
    if (this.#names <= this.#limits.names) return [];
    const room = this.#limits.names * FADE_TO;
    return [...this.#fade(room, (held) => held.some((part) => this.#holders.get(part.in) === 1)), ...this.#fade(room)];
  }

  #fade(room: number, isWorthIt: (held: readonly HeldNames[]) => boolean = () => true): string[] {
    const faded: string[] = [];
    for (const [id, held] of this.#remembered) {
      if (this.#names <= room) break;
      if (!isWorthIt(held)) continue;
      this.#letGo(id);
      faded.push(id);
    }
    return faded;
  }

  #letGo(id: string): void {
    const held = this.#remembered.get(id);
    if (held === undefined) return;
    this.#remembered.delete(id);
    for (const part of held) {
      const holders = (this.#holders.get(part.in) ?? 1) - 1;
      if (holders > 0) this.#holders.set(part.in, holders);
      else {
        this.#holders.delete(part.in);
        this.#names -= part.names;
      }
    }
  }
}
