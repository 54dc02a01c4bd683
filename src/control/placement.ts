import type { Problem } from "../core/failure/problem.ts";
import { formatPath } from "../core/failure/problem.ts";
import type { FleetState, Strays } from "../core/journal/event.ts";
import { NOTHING } from "../core/journal/same-state.ts";
import type { RolloutRecord, State } from "../core/journal/state.ts";
import type { NodeIdentity } from "../core/node/node.ts";
import { assigner } from "../core/rollout/assignment.ts";
import type { NodeEvidence, NodesEvidence } from "../core/rollout/decide.ts";
import { tierOf } from "../core/rollout/tier.ts";
import type { Fleet, View } from "./fleet.ts";
import { type Group, whyUnmatched } from "./groups.ts";
import type { Meshes } from "./meshes.ts";
import type { Seat, Seats } from "./seats.ts";
import type { Unstored, Views } from "./views.ts";

/** What is being moved: enough of a rollout to say who it is for. */
export type Movement = Pick<RolloutRecord, "from" | "to"> & { readonly strays?: readonly Strays[] | undefined };

/** Who should have what, and who has it. */
export class Placement {
  readonly #fleet: Fleet;
  readonly #seats: Seats;
  readonly #meshes: Meshes;
  readonly #views: Views;
  /** Groups that cannot be compiled, by revision and name: why. */
  readonly #broken = new Map<string, string>();
  #prepared = "";

  constructor(fleet: Fleet, seats: Seats, meshes: Meshes, views: Views) {
    this.#fleet = fleet;
    this.#seats = seats;
    this.#meshes = meshes;
    this.#views = views;
  }

  /** Loads or compiles the views of all nodes in all states that are in use. What it returns must be appended. */
  async prepare(journal: State): Promise<Unstored | undefined> {
    const states = statesInUse(journal);
    const signature = `${journal.live?.revision} ${journal.done.length} ${journal.active}`;
    if (signature === this.#prepared && !this.#seats.hasNew) return undefined;
    const parts: Unstored[] = [];
    for (const state of states) {
      const part = await this.prepareState(journal, state);
      parts.push(part);
      if (part.problems.length > 0) this.#note(state, part.problems);
    }
    this.#prepared = signature;
    this.#seats.settled();
    this.#views.trim(states);
    this.#meshes.trim(new Set(states.map(({ revision }) => revision)));
    return {
      events: parts.flatMap(({ events }) => events),
      blobs: parts.flatMap(({ blobs }) => blobs),
      problems: parts.flatMap(({ problems }) => problems),
    };
  }

  /** What `prepare` returned could not be appended: it is asked for again. */
  redo(): void {
    this.#prepared = "";
  }

  /** The same for one state, whose revision may be one that is about to be published. */
  async prepareState(journal: State, state: FleetState): Promise<Unstored> {
    if (state.revision === 0) return { events: [], blobs: [], problems: [] };
    const mesh = await this.#meshes.load(journal, state.revision);
    const groups = new Map<string, Group>();
    for (const seat of this.#seats.all().values()) {
      const group = this.#seats.groupOf(seat, state.revision, mesh);
      if (group !== undefined) groups.set(group.name, group);
    }
    return this.#views.prepare(journal, state, mesh, [...groups.values()]);
  }

  /** Tells every node what it should have, where that is news. */
  assign(journal: State): void {
    const stateOf = assigner(journal);
    for (const [id, seat] of this.#seats.all()) {
      const state = stateOf(id);
      const view = state === null ? undefined : this.#viewOf(seat, state);
      const unmatched = view === undefined ? this.#whyNone(seat, state) : undefined;
      if (!seat.isNew && view === seat.view && unmatched === seat.unmatched) continue;
      if (view !== seat.view) seat.converged = undefined;
      Object.assign(seat, { view, unmatched, isNew: false });
      this.#fleet.assign(id, view, unmatched);
    }
  }

  /** What is seen of every node, for this movement, at the moment when it is asked for. */
  evidence({ from, to, strays }: Movement): NodesEvidence {
    const astray = new Set((strays ?? []).flatMap(({ nodes }) => nodes));
    const mesh = this.#meshes.peek(to.revision);
    const seats = this.#seats.all();
    const seen = (id: string, seat: Seat): NodeEvidence => {
      const target = this.#viewOf(seat, to);
      const before = this.#viewOf(seat, from);
      const has = (view: View): boolean => seat.view === view && seat.converged === view;
      const differs = target !== undefined && seat.view?.snapshot.digest !== target.snapshot.digest;
      return {
        presence: seat.presence,
        tier: tierOf(seat.identity, mesh),
        changes: differs || (target !== undefined && astray.has(id) && !has(target)),
        acked: target !== undefined && has(target),
        back: before === undefined || has(before),
      };
    };
    return {
      get(id) {
        const seat = seats.get(id);
        return seat === undefined ? undefined : seen(id, seat);
      },
      *[Symbol.iterator]() {
        for (const [id, seat] of seats) yield [id, seen(id, seat)] as const;
      },
    };
  }

  /** Connected nodes for which the movement changes something, in the order in which they came. */
  changing(movement: Movement): string[] {
    const nodes = [...this.evidence(movement)];
    return nodes.flatMap(([id, { presence, changes }]) => (presence === "connected" && changes ? [id] : []));
  }

  /** Connected nodes that are selected in one state and not in the other: they keep what they have. */
  deselected({ from, to }: Movement): string[] {
    const mesh = this.#meshes.peek(to.revision);
    if (mesh === undefined) return [];
    return [...this.#seats.all()].flatMap(([id, seat]) => {
      const isDropped =
        this.#viewOf(seat, from) !== undefined && this.#seats.groupOf(seat, to.revision, mesh) === undefined;
      return seat.presence === "connected" && isDropped ? [id] : [];
    });
  }

  /** `version_info` of a type in the view of a node, where it has one in that state. */
  versionOf(nodeId: string, state: FleetState, typeUrl: string): string | undefined {
    const seat = this.#seats.all().get(nodeId);
    const view = seat === undefined ? undefined : this.#viewOf(seat, state);
    return view?.snapshot.types.get(typeUrl)?.version;
  }

  /** The nodes that are known, connected or not. */
  identities(): NodeIdentity[] {
    return [...this.#seats.all().values()].map(({ identity }) => identity);
  }

  #viewOf(seat: Seat, state: FleetState): View | undefined {
    const mesh = this.#meshes.peek(state.revision);
    const group = mesh === undefined ? undefined : this.#seats.groupOf(seat, state.revision, mesh);
    return group === undefined ? undefined : this.#views.get(state, group.name);
  }

  #whyNone(seat: Seat, state: FleetState | null): string {
    if (state === null) return "nothing is published yet";
    const mesh = this.#meshes.peek(state.revision);
    const group = mesh === undefined ? undefined : this.#seats.groupOf(seat, state.revision, mesh);
    if (group === undefined) return whyUnmatched(seat.identity, state.revision);
    const why = this.#broken.get(`${state.revision}`) ?? "its resources are not ready";
    return `revision ${state.revision} cannot be compiled for its group ${group.name}: ${why}`;
  }

  #note({ revision }: FleetState, problems: readonly Problem[]): void {
    const text = problems.slice(0, 3).map(({ path, message }) => `${formatPath(path)}: ${message}`);
    this.#broken.set(`${revision}`, text.join("; "));
  }
}

/** The states that some node may have to be given now. */
function statesInUse(journal: State): FleetState[] {
  const rollout = journal.active === null ? undefined : journal.rollouts.get(journal.active);
  const states = [journal.live ?? NOTHING];
  if (rollout !== undefined) states.push(rollout.from, rollout.to, ...(rollout.strays ?? []).map(({ state }) => state));
  return states.filter(({ revision }) => revision > 0);
}
