import type { NodeRegistry } from "../control/node-registry.ts";
import type { NodeIdentity } from "../core/node/node.ts";

/** Nodes that are looked at in one piece of work: some tens of microseconds. */
const PIECE = 50;

/**
 * Goes over the nodes of a server after groups have changed, a few nodes at a time: who changes a group of ten thousand does
 * not wait for them. Groups that change meanwhile are gone over in the next pass, whatever their number.
 */
export class Sweep {
  readonly #registry: NodeRegistry;
  readonly #visit: (node: NodeIdentity, groups: ReadonlySet<string>) => void;
  #marked = new Set<string>();
  #groups: ReadonlySet<string> = this.#marked;
  #nodes: Iterator<NodeIdentity> | undefined;
  #isQueued = false;

  constructor(registry: NodeRegistry, visit: (node: NodeIdentity, groups: ReadonlySet<string>) => void) {
    this.#registry = registry;
    this.#visit = visit;
  }

  /** The group has changed: its nodes are to be visited. */
  mark(group: string): void {
    this.#marked.add(group);
    this.#queue();
  }

  /** Visits now whoever is still to be visited. */
  finish(): void {
    while (this.#isDue) this.#piece();
  }

  get #isDue(): boolean {
    return this.#nodes !== undefined || this.#marked.size > 0;
  }

  #queue(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#registry.later(() => {
      this.#isQueued = false;
      if (this.#isDue) this.#piece();
      if (this.#isDue) this.#queue();
    });
  }

  #piece(): void {
    if (this.#nodes === undefined) {
      this.#groups = this.#marked;
      this.#marked = new Set();
      this.#nodes = this.#registry.identities();
    }
    for (let left = PIECE; left > 0; left -= 1) {
      const next = this.#nodes.next();
      if (next.done === true) {
        this.#nodes = undefined;
        return;
      }
      this.#visit(next.value, this.#groups);
    }
  }
}
