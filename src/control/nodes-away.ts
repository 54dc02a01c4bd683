import { nothingWhole, whatMayBeNeeded } from "../core/xds/content.ts";
import { memoised } from "../core/xds/memoised.ts";
import type { NodeMemory } from "../core/xds/memory.ts";
import type { NackPolicyOf } from "../core/xds/nack-policy.ts";
import { weightOfNode } from "../core/xds/weight.ts";
import type { HeldNames, LostLimits } from "./lost-nodes.ts";
import { heldByView, LostNodes, viewWithoutContent, viewWithoutNames } from "./lost-nodes.ts";
import type { NodeEntry } from "./node-entry.ts";
import { MemoryOfNode } from "./node-memory.ts";

/** Nodes of which less is kept than before, since what is kept of all of them is too much. */
export interface RoomMade {
  /** Nothing at all. */
  readonly forgotten: readonly NodeEntry[];
  /** Who they are, and nothing of what they had. */
  readonly faded: readonly NodeEntry[];
}

/** The nodes that have no stream: what they had is kept for when they come back, within limits (decisions 0017 and 0018). */
export class NodesAway {
  readonly #lost: LostNodes;
  readonly #entries: ReadonlyMap<string, NodeEntry>;
  readonly #needed: (memory: NodeMemory) => NodeMemory;
  readonly #bare = memoised(nothingWhole);

  /**
   * @param entries all nodes, by id
   * @param onNack content that a policy sets back is kept
   */
  constructor(
    entries: ReadonlyMap<string, NodeEntry>,
    onNack: NackPolicyOf | undefined,
    limits: Partial<LostLimits> = {},
  ) {
    this.#entries = entries;
    this.#needed = memoised((memory) => whatMayBeNeeded(memory, onNack));
    this.#lost = new LostNodes(limits);
  }

  /** The node's last stream is gone: of what it had, versions are kept, and what content may be needed. */
  lighten(entry: NodeEntry): void {
    entry.acked &&= viewWithoutContent(entry.acked);
    entry.memory.change(this.#needed);
  }

  /** The node counts among those that are away. */
  went({ identity, since, memory, acked }: NodeEntry): void {
    const bytes = weightOfNode(identity) + memory.weight;
    this.#lost.went(identity.id, { since, bytes }, heldBy({ memory, acked }));
  }

  cameBack(id: string): void {
    this.#lost.cameBack(id);
  }

  /** Keeps what there is room for. */
  makeRoom(now: number): RoomMade {
    const forgotten = this.#entriesOf(this.#lost.takeForgotten(now));
    this.#lost.lighten((id) => {
      const entry = this.#entries.get(id);
      if (entry === undefined) return [];
      entry.memory.change(this.#bare);
      return heldBy(entry);
    });
    const faded = this.#entriesOf(this.#lost.takeFaded());
    for (const entry of faded) {
      entry.memory = new MemoryOfNode();
      entry.acked &&= viewWithoutNames(entry.acked);
    }
    return { forgotten, faded };
  }

  #entriesOf(ids: readonly string[]): readonly NodeEntry[] {
    return ids.flatMap((id) => this.#entries.get(id) ?? []);
  }
}

function heldBy({ memory, acked }: Pick<NodeEntry, "memory" | "acked">): readonly HeldNames[] {
  return [...memory.held, ...heldByView(acked)];
}
