import type { Mesh } from "../core/mesh/mesh.ts";
import type { NodeIdentity } from "../core/node/node.ts";
import type { FleetEvent, NodeStatus, View } from "./fleet.ts";
import { type Group, groupFor } from "./groups.ts";

/** What the conductor keeps of one node that has come since this process started. */
export interface Seat {
  identity: NodeIdentity;
  presence: "connected" | "gone";
  /** What it was told to have; undefined: nothing. */
  view: View | undefined;
  /** Why it was told nothing. */
  unmatched: string | undefined;
  /** The view that it acknowledged whole, as long as that is the one it should have. */
  converged: View | undefined;
  /** It has come, or said anew who it is, and has not been told what to have. */
  isNew: boolean;
  /** Revision → the group it is in there. */
  readonly groups: Map<number, Group | undefined>;
}

/** All nodes that have come since this process started, kept up to date by the fleet's events. */
export class Seats {
  readonly #seats = new Map<string, Seat>();
  #hasNew = false;

  /** Those that are there already when the control plane opens. */
  constructor(nodes: readonly NodeStatus[]) {
    for (const { identity, connected } of nodes) if (connected) this.#come(identity);
  }

  all(): ReadonlyMap<string, Seat> {
    return this.#seats;
  }

  /** Has any come since `settled`? */
  get hasNew(): boolean {
    return this.#hasNew;
  }

  /** The views of all that are here have been prepared. */
  settled(): void {
    this.#hasNew = false;
  }

  onFleet(event: FleetEvent): void {
    const { id } = event.node;
    if (event.kind === "connected") return this.#come(event.node);
    if (event.kind === "forgotten") return void this.#seats.delete(id);
    const seat = this.#seats.get(id);
    if (seat === undefined) return;
    if (event.kind === "lost") seat.presence = "gone";
    if (event.kind === "converged" && event.view === seat.view) seat.converged = event.view;
    if (event.kind === "refused") seat.converged = undefined;
  }

  /** The group of a node in a revision. */
  groupOf(seat: Seat, revision: number, mesh: Mesh): Group | undefined {
    if (!seat.groups.has(revision)) seat.groups.set(revision, groupFor(mesh, seat.identity));
    return seat.groups.get(revision);
  }

  /** A revision that came to nothing: its number will be another's. */
  forget(revision: number): void {
    for (const seat of this.#seats.values()) seat.groups.delete(revision);
  }

  #come(identity: NodeIdentity): void {
    const seat = this.#seats.get(identity.id);
    this.#hasNew = true;
    this.#seats.set(identity.id, {
      view: undefined,
      unmatched: undefined,
      converged: undefined,
      ...seat,
      identity,
      presence: "connected",
      isNew: true,
      groups: new Map(),
    });
  }
}
