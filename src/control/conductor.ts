import assert from "node:assert/strict";
import { ControlError } from "../core/failure/control-error.ts";
import type { EventBody, JournalEvent } from "../core/journal/event.ts";
import type { RolloutRecord, State } from "../core/journal/state.ts";
import type { Mesh } from "../core/mesh/mesh.ts";
import type { Digest } from "../core/resource/resource.ts";
import { decide, type Evidence, wakeAt } from "../core/rollout/decide.ts";
import type { Codec } from "../envoy/codec.ts";
import type { CancelTimer, Clock } from "./clock.ts";
import { Commands } from "./commands.ts";
import type { ControlPlane, Effect, Request } from "./control-plane.ts";
import type { Fleet, FleetEvent } from "./fleet.ts";
import { Ledger } from "./ledger.ts";
import { Meshes } from "./meshes.ts";
import { Placement } from "./placement.ts";
import { fingerprintOf, madeBefore, type Plan } from "./plan.ts";
import { Refusals } from "./refusals.ts";
import { Seats } from "./seats.ts";
import { SerialQueue } from "./serial-queue.ts";
import type { Store } from "./store.ts";
import { type Compile, Views } from "./views.ts";

/** What is logged and where to; pino's logger is one. */
export interface ConductorLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Everything of outside that a control plane needs. */
export interface ControlPlaneParts {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly digest: Digest;
  readonly codec: Codec;
  readonly compile: Compile;
  readonly log: ConductorLog;
}

/** When the store fails under a running rollout it is asked again after this long, in milliseconds. */
const RETRY_MS = 1_000;

/**
 * Reads the journal and goes on from where it stands, a rollout included.
 *
 * @throws ControlError `not-ready` for a journal that cannot be read or was written by a newer version
 */
export async function openControlPlane(parts: ControlPlaneParts): Promise<ControlPlane> {
  const conductor = new Conductor(parts);
  await conductor.open();
  return conductor;
}

/** Holds the one thing that changes, the fold of the journal, and does what `decide` says. */
class Conductor implements ControlPlane {
  readonly #parts: ControlPlaneParts;
  readonly #ledger: Ledger;
  readonly #meshes: Meshes;
  readonly #views: Views;
  readonly #seats: Seats;
  readonly #placement: Placement;
  readonly #refusals = new Refusals();
  readonly #commands: Commands;
  readonly #queue = new SerialQueue();
  readonly #watchingSince: number;
  #isTurnQueued = false;
  #cancelTimer: CancelTimer | undefined;
  #stopListening: (() => void) | undefined;
  #isClosed = false;

  constructor(parts: ControlPlaneParts) {
    const { store, fleet, clock, digest } = parts;
    this.#parts = parts;
    this.#watchingSince = clock.now();
    this.#ledger = new Ledger(store, clock);
    this.#meshes = new Meshes(store);
    this.#views = new Views(parts);
    this.#seats = new Seats(fleet.nodes());
    this.#placement = new Placement(fleet, this.#seats, this.#meshes, this.#views);
    this.#commands = new Commands({ meshes: this.#meshes, views: this.#views, placement: this.#placement, digest });
  }

  async open(): Promise<void> {
    this.#ledger.watch((event) => this.#refusals.onJournal(event));
    await this.#ledger.catchUp();
    const { live, unrepaired } = this.#ledger.state;
    if (live !== null) await this.#meshes.load(this.#ledger.state, live.revision);
    const { fleet } = this.#parts;
    for (const node of unrepaired.keys()) this.#distrust(node);
    this.#stopListening = fleet.listen((event) => this.#onFleet(event));
    await this.#queue.run(() => this.#turn());
  }

  readiness() {
    const { live, active } = this.#ledger.state;
    if (this.#isClosed) return { ready: false, why: "this control plane is shutting down" };
    if (live !== null || active !== null) return { ready: true };
    return { ready: false, why: "nothing is published yet: apply a mesh, or start with --mesh" };
  }

  state(): State {
    return this.#ledger.state;
  }

  nodes() {
    return this.#parts.fleet.nodes();
  }

  node(id: string) {
    return this.#parts.fleet.node(id);
  }

  mesh(revision: number): Promise<Mesh> {
    return this.#meshes.load(this.#ledger.state, revision);
  }

  async source(revision: number): Promise<string | undefined> {
    const record = this.#ledger.state.revisions.get(revision);
    if (record === undefined) throw new ControlError("not-found", `there is no revision ${revision}`);
    if (record.source === undefined) return undefined;
    const bytes = await this.#parts.store.blob(record.source.blob);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  check(mesh: Mesh) {
    return this.#commands.check(this.#ledger.state, mesh);
  }

  publish(request: Parameters<ControlPlane["publish"]>[0]): Promise<Effect> {
    return this.#command("publish", request, (state, asked) => this.#commands.publish(state, asked));
  }

  shift(request: Parameters<ControlPlane["shift"]>[0]): Promise<Effect> {
    return this.#command("shift", request, (state, asked) => this.#commands.shift(state, asked));
  }

  rollOut(request: Parameters<ControlPlane["rollOut"]>[0]): Promise<Effect> {
    return this.#command("rollOut", request, (state, asked) => this.#commands.rollOut(state, asked));
  }

  rollback(request: Parameters<ControlPlane["rollback"]>[0]): Promise<Effect> {
    return this.#command("rollback", request, (state, asked) => this.#commands.rollback(state, asked));
  }

  abort(rollout: string, request: Request): Promise<Effect> {
    const { clock } = this.#parts;
    return this.#command(`abort ${rollout}`, request, async (state, asked) =>
      this.#commands.abort(state, rollout, asked, clock.now()),
    );
  }

  journal(after: number, limit: number): Promise<readonly JournalEvent[]> {
    return this.#parts.store.read(after, limit);
  }

  watch(listener: (event: JournalEvent) => void): () => void {
    return this.#ledger.watch((event) => {
      try {
        listener(event);
      } catch (error) {
        this.#parts.log.error({ err: error }, "a watcher of the journal failed");
      }
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopListening?.();
    this.#cancelTimer?.();
    await this.#queue.idle();
    await this.#parts.store.close();
  }

  /** The journal remembers what a refusal left unknown, whoever forgets it. */
  #distrust(node: string): void {
    const types = this.#ledger.state.unrepaired.get(node) ?? [];
    for (const [typeUrl, names] of types) this.#parts.fleet.distrust(node, typeUrl, names);
  }

  #onFleet(event: FleetEvent): void {
    this.#seats.onFleet(event);
    if (event.kind === "forgotten" || event.kind === "faded") return this.#distrust(event.node.id);
    this.#refusals.onFleet(event);
    if (event.kind !== "acked") this.#kick();
  }

  /** Asks for a turn; those that are asked for before it begins are one. */
  #kick(): void {
    if (this.#isTurnQueued || this.#isClosed) return;
    this.#isTurnQueued = true;
    void this.#queue.run(() => {
      this.#isTurnQueued = false;
      return this.#turn();
    });
  }

  async #command<R extends Request>(
    kind: string,
    request: R,
    work: (state: State, asked: R) => Promise<Plan>,
  ): Promise<Effect> {
    const asked = { ...request, fingerprint: fingerprintOf(kind, request, this.#parts.digest) };
    return this.#queue.run(async () => {
      if (this.#isClosed)
        throw new ControlError("not-ready", "this control plane is shutting down; ask again when it is back");
      const { state } = this.#ledger;
      const earlier = madeBefore(state, asked);
      if (earlier !== undefined)
        return this.#effect(state, { summary: ["this was done already, by the same request"], ...earlier });
      try {
        return await this.#carryOut(await work(state, asked), request.dryRun === true);
      } finally {
        const next = this.#ledger.state.revisions.size + 1;
        for (const part of [this.#meshes, this.#views, this.#seats]) part.forget(next);
      }
    });
  }

  async #carryOut(plan: Plan, isDryRun: boolean): Promise<Effect> {
    const before = this.#ledger.state;
    const planned = this.#ledger.preview(plan.events);
    const next = plan.events.length === 0 ? [] : this.#decisions(planned);
    if (isDryRun) return this.#effect(this.#ledger.preview(next, planned), plan);
    if (plan.events.length === 0) return this.#effect(before, plan);
    await this.#ledger.append([...plan.events, ...next], plan.blobs);
    const nodes = this.#nodesOf(this.#ledger.state, plan);
    await this.#turn();
    return { ...this.#effect(this.#ledger.state, plan), nodes };
  }

  #effect(state: State, plan: Pick<Plan, "summary" | "revision" | "rollout">): Effect {
    const revision = plan.revision === undefined ? undefined : state.revisions.get(plan.revision);
    const rollout = plan.rollout === undefined ? undefined : state.rollouts.get(plan.rollout);
    return {
      summary: plan.summary,
      nodes: this.#nodesOf(state, plan),
      ...(revision === undefined ? {} : { revision }),
      ...(rollout === undefined ? {} : { rollout }),
    };
  }

  #nodesOf(state: State, { rollout }: Pick<Plan, "rollout">): readonly string[] {
    return rollout === undefined ? [] : (state.rollouts.get(rollout)?.nodes ?? []);
  }

  /** One round: what came in is written, every node is told what it should have, and the rollout goes on. */
  async #turn(): Promise<void> {
    if (this.#isClosed) return;
    this.#cancelTimer?.();
    let retry = false;
    try {
      await this.#record();
      for (;;) {
        retry = !(await this.#prepare()) || retry;
        this.#placement.assign(this.#ledger.state);
        const next = this.#decisions(this.#ledger.state);
        if (next.length === 0) break;
        await this.#ledger.append(next);
      }
    } catch (error) {
      retry = true;
      this.#parts.log.error({ err: error }, "the journal cannot go on; Envoys keep what they have, trying again");
    }
    this.#arm(retry);
  }

  async #record(): Promise<void> {
    const { events, taken } = this.#refusals.events(this.#ledger.state, this.#placement);
    for (const event of events)
      if (event.type === "nack") this.#parts.log.warn({ ...event }, "an Envoy refused what it was sent");
    if (events.length > 0) await this.#ledger.append(events);
    this.#refusals.clear(taken);
  }

  /** @returns whether the views are stored; where they are not, they are served from memory all the same */
  async #prepare(): Promise<boolean> {
    const unstored = await this.#placement.prepare(this.#ledger.state);
    if (unstored === undefined) return true;
    const { events, blobs, problems } = unstored;
    if (problems.length > 0)
      this.#parts.log.error({ problems }, "a group cannot be compiled; its nodes keep what they have");
    if (events.length === 0) return true;
    try {
      await this.#ledger.append(events, blobs);
      return true;
    } catch (error) {
      this.#placement.redo();
      this.#parts.log.error({ err: error }, "views could not be stored; they are served from memory");
      return false;
    }
  }

  /** All that `decide` says at this moment: each answer may lead to the next. */
  #decisions(state: State): EventBody[] {
    const all: EventBody[] = [];
    let after = state;
    for (;;) {
      const evidence = this.#evidence(after);
      const next = evidence === undefined ? [] : decide(after, evidence, this.#parts.clock.now());
      if (next.length === 0) return all;
      all.push(...next);
      const before = after.rollouts;
      after = this.#ledger.preview(next, after);
      assert(after.rollouts !== before, "a decision that changes nothing would be made for ever");
    }
  }

  #evidence(state: State): Evidence | undefined {
    const rollout = activeOf(state);
    if (rollout === undefined) return undefined;
    return {
      nodes: this.#placement.evidence(rollout),
      watchingSince: this.#watchingSince,
      digest: this.#parts.digest,
    };
  }

  #arm(retry: boolean): void {
    const { clock } = this.#parts;
    const { state } = this.#ledger;
    const evidence = this.#evidence(state);
    const now = clock.now();
    const wake = evidence === undefined ? undefined : wakeAt(state, evidence, now);
    const at = Math.min(wake ?? Number.POSITIVE_INFINITY, retry ? now + RETRY_MS : Number.POSITIVE_INFINITY);
    if (!Number.isFinite(at) || this.#isClosed) return;
    this.#cancelTimer = clock.after(at - now, () => this.#kick());
  }
}

function activeOf(state: State): RolloutRecord | undefined {
  return state.active === null ? undefined : state.rollouts.get(state.active);
}
