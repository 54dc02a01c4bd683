import type { Resource } from "../core/resource/resource.ts";
import type { KnownSnapshot } from "../core/xds/content.ts";
import { contentOf, snapshotWithoutContent } from "../core/xds/content.ts";
import type { AckedView } from "./fleet.ts";

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
  /** Content of resources that is kept for when they come back, in bytes; what many share counts once. */
  readonly contentBytes: number;
}

/**
 * A day: whoever looks in the morning for what went away at night finds it. Beyond the count, names are made up (P58). The
 * content is the clusters of a large mesh in a few of its last states.
 */
const LIMITS: LostLimits = {
  ageMs: 24 * 60 * 60_000,
  count: 10_000,
  identityBytes: 64 << 20,
  names: 1_000_000,
  contentBytes: 32 << 20,
};

/** A list, set or map of names that is remembered of a node, and perhaps of others. */
export interface HeldNames {
  /** What is held: equal content in another object counts again. */
  readonly in: object;
  readonly names: number;
  /** What is kept of it with content. */
  readonly content?: Parameters<typeof contentOf>[0];
}

/** What the last view that a node acknowledged keeps alive: it may be in use nowhere else any more. */
export function heldByView(view: AckedView | undefined): readonly HeldNames[] {
  if (view === undefined) return [];
  return [...view.snapshot.types.values()].map(({ resources }) => ({ in: resources, names: resources.size }));
}

/** The same view: of what its resources were, the versions are all that is kept. */
export function viewWithoutContent({ snapshot, revision, group }: AckedView): AckedView {
  return { snapshot: snapshotWithoutContent(snapshot), revision, group };
}

/** What a name may weigh that counts as one: nearly a hundred characters. */
const NAME_BYTES = 256;

/** As how many names so many count that weigh so much. */
export function countOf(names: number, bytes: number): number {
  return Math.max(names, Math.ceil(bytes / NAME_BYTES));
}

const NOTHING: KnownSnapshot = { digest: "", types: new Map() };

/** What is still known of such a view once it is let go: which one it was. */
export function viewWithoutNames(view: AckedView): AckedView {
  return { ...view, snapshot: NOTHING };
}

/** When names or bytes are too many, so much room is made that not every node that goes has to look for some. */
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
  /** By how many of those each list is held. */
  readonly #lists = new Held<object>();
  #names = 0;
  /** By how many lists each resource is held with its content. */
  readonly #contents = new Held<Resource>();
  #bytes = 0;

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
    this.#hold(held);
  }

  /**
   * Where there is too much content, lets go of that of nodes that went first; their names and versions are still known.
   *
   * @param bare takes the content from what is remembered of a node, and says what is held then
   */
  lighten(bare: (id: string) => readonly HeldNames[]): void {
    if (this.#bytes <= this.#limits.contentBytes) return;
    const room = this.#limits.contentBytes * FADE_TO;
    for (const [id, held] of this.#remembered) {
      if (this.#bytes <= room) return;
      if (held.every(({ content }) => content === undefined)) continue;
      const lighter = bare(id);
      this.#release(held);
      this.#hold(lighter);
      this.#remembered.set(id, lighter);
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
    return [...this.#fade(room, (held) => held.some((part) => this.#lists.isByOne(part.in))), ...this.#fade(room)];
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
    this.#release(held);
  }

  #hold(held: readonly HeldNames[]): void {
    for (const part of held) {
      if (!this.#lists.add(part.in)) continue;
      this.#names += part.names;
      for (const resource of resourcesIn(part)) if (this.#contents.add(resource)) this.#bytes += resource.bytes.length;
    }
  }

  #release(held: readonly HeldNames[]): void {
    for (const part of held) {
      if (!this.#lists.remove(part.in)) continue;
      this.#names -= part.names;
      for (const resource of resourcesIn(part))
        if (this.#contents.remove(resource)) this.#bytes -= resource.bytes.length;
    }
  }
}

function resourcesIn({ content }: HeldNames): Iterable<Resource> {
  return content === undefined ? [] : contentOf(content);
}

/** What is held, each thing by one or more. */
class Held<T> {
  readonly #holders = new Map<T, number>();

  /** @returns whether this is its first holder */
  add(what: T): boolean {
    const holders = this.#holders.get(what) ?? 0;
    this.#holders.set(what, holders + 1);
    return holders === 0;
  }

  /** @returns whether that was its last holder */
  remove(what: T): boolean {
    const holders = (this.#holders.get(what) ?? 1) - 1;
    if (holders > 0) this.#holders.set(what, holders);
    else this.#holders.delete(what);
    return holders === 0;
  }

  isByOne(what: T): boolean {
    return this.#holders.get(what) === 1;
  }
}
