import type {
  ConfigRolloutRequest,
  ControlPlane,
  Effect,
  PublishRequest,
  Readiness,
  Request,
  RollbackRequest,
  ShiftRequest,
} from "../../src/control/control-plane.ts";
import type { NodeStatus } from "../../src/control/fleet.ts";
import { ControlError } from "../../src/core/failure/control-error.ts";
import type { Problem } from "../../src/core/failure/problem.ts";
import type { EventBody, FleetState, JournalEvent } from "../../src/core/journal/event.ts";
import type { DoneState, RevisionRecord, RolloutRecord, State } from "../../src/core/journal/state.ts";
import type { Mesh } from "../../src/core/mesh/mesh.ts";

const AT = "2026-01-02T03:04:05.000Z";

/** A mesh with one service of two versions behind one gateway. */
export function meshOf(overrides: Partial<Mesh> = {}): Mesh {
  const version = (name: string, port: number) => ({
    name,
    protocol: { kind: "http2" } as const,
    source: { kind: "endpoints", endpoints: [{ address: "127.0.0.1", port, zone: "", weight: 1 }] } as const,
  });
  return {
    services: [
      {
        name: "reviews",
        owner: "@shop",
        tier: 3,
        timeoutMs: 15_000,
        retries: { attempts: 1, budgetPercent: 20 },
        versions: [version("v1", 9001), version("v2", 9002)],
        traffic: { v1: 10_000, v2: 0 },
        dependsOn: [],
      },
    ],
    gateways: [
      {
        name: "edge",
        nodes: { cluster: ["edge"] },
        listen: { address: "127.0.0.1", port: 10_000 },
        hosts: [
          {
            domains: ["*"],
            routes: [{ path: { kind: "prefix", value: "/" }, methods: [], headers: [], query: [], to: "reviews" }],
          },
        ],
      },
    ],
    sidecars: [],
    resources: [],
    ...overrides,
  };
}

/** A control plane in memory that does what it is told at once, and fails on demand. */
export class FakeControlPlane implements ControlPlane {
  ready: Readiness = { ready: true };
  fleet: NodeStatus[] = [];
  failure: Error | undefined;
  problems: readonly Problem[] = [];
  /** How the next rollout ends; undefined leaves it running. */
  ends: "done" | "rolledBack" | "held" | undefined = "done";
  readonly asked: Request[] = [];
  readonly revisions = new Map<number, RevisionRecord>();
  readonly rollouts = new Map<string, RolloutRecord>();
  readonly meshes = new Map<number, Mesh>();
  readonly sources = new Map<number, string>();
  readonly events: JournalEvent[] = [];
  readonly listeners = new Set<(event: JournalEvent) => void>();
  live: FleetState | null = null;
  done: DoneState[] = [];
  active: string | null = null;

  readiness(): Readiness {
    return this.ready;
  }

  state(): State {
    const { revisions, rollouts, live, done, active } = this;
    const seq = this.events.length;
    return { seq, revisions, rollouts, live, done, active, views: new Map(), unrepaired: new Map(), keys: new Map() };
  }

  nodes(): readonly NodeStatus[] {
    return this.fleet;
  }

  node(id: string): NodeStatus | undefined {
    return this.fleet.find(({ identity }) => identity.id === id);
  }

  async mesh(revision: number): Promise<Mesh> {
    const mesh = this.meshes.get(revision);
    if (mesh === undefined) throw new ControlError("not-found", `there is no revision ${revision}`);
    return mesh;
  }

  async source(revision: number): Promise<string | undefined> {
    return this.sources.get(revision);
  }

  check(): readonly Problem[] {
    return this.problems;
  }

  append(body: EventBody): void {
    const event = { seq: this.events.length + 1, at: AT, body };
    this.events.push(event);
    for (const listener of this.listeners) listener(event);
  }

  seed(mesh: Mesh = meshOf(), text?: string): void {
    this.addRevision({
      mesh,
      by: "seed",
      reason: "first",
      ...(text === undefined ? {} : { source: { name: "mesh.yaml", text } }),
    });
    this.live = { revision: 1, weights: { reviews: { v1: 10_000, v2: 0 } } };
    this.done.push({ ...this.live, rollout: null, at: AT });
  }

  private addRevision({ mesh, source, by, reason }: PublishRequest): RevisionRecord {
    const n = this.revisions.size + 1;
    const asked = { by, reason };
    this.append({ type: "revision.published", revision: n, parent: n - 1 || null, mesh: "digest", asked });
    const record: RevisionRecord = {
      n,
      parent: n - 1 || null,
      status: "validated",
      mesh: "digest",
      ...(source === undefined ? {} : { source: { name: source.name, blob: "blob" } }),
      at: AT,
      asked,
      seq: this.events.length,
    };
    this.revisions.set(n, record);
    this.meshes.set(n, mesh);
    if (source !== undefined) this.sources.set(n, source.text);
    return record;
  }

  private start(kind: RolloutRecord["kind"], to: FleetState, request: Request, service?: string): RolloutRecord {
    const from = this.live ?? to;
    if (this.active !== null) throw new ControlError("conflict", `${this.active} is moving`, { holder: this.active });
    const id = `ro-${this.rollouts.size + 1}`;
    const asked = { by: request.by, reason: request.reason };
    const stages = [{ hosts: 1 }, { hosts: "all" }] as const;
    if (request.dryRun !== true) {
      this.append({ type: "rollout.started", rollout: id, kind, from, to, stages, asked });
    }
    const record: RolloutRecord = {
      id,
      kind,
      state: "applying",
      ...(service === undefined ? {} : { service }),
      from,
      to,
      stages,
      stage: 0,
      since: AT,
      targets: ["edge-1"],
      acked: [],
      refused: [],
      lost: [],
      deadline: AT,
      undoes: kind === "rollback" ? ["ro-1 (shift of reviews)"] : [],
      asked,
      startedAt: AT,
      why: "one host first",
      history: [{ at: AT, text: "started" }],
      seq: this.events.length,
    };
    if (request.dryRun === true) return { ...record, state: "planned", stage: -1, targets: [] };
    this.rollouts.set(id, record);
    this.active = id;
    if (this.ends !== undefined) this.finish(id, this.ends);
    return this.rollouts.get(id) ?? record;
  }

  /** Brings a rollout to an end, or to a halt. */
  finish(id: string, state: "done" | "rolledBack" | "aborted" | "held"): void {
    const record = this.rollouts.get(id);
    if (record === undefined) throw new Error(`no rollout ${id}`);
    const refused =
      state === "rolledBack"
        ? [{ node: "edge-1", typeUrl: "type.googleapis.com/x.Cluster", error: "Envoy says no" }]
        : [];
    if (state === "held") this.append({ type: "rollout.held", rollout: id, why: "no acknowledgement in 30 s" });
    else
      this.append({
        type: "rollout.ended",
        rollout: id,
        end: state,
        why: state === "done" ? "all acked" : "edge-1 refused it",
      });
    const { deadline: _deadline, ...rest } = record;
    const why = state === "done" ? "all acked" : "edge-1 refused it";
    const said = refused.map(({ node, error }) => `${node} refused Cluster: ${error}`);
    const nacks = said.flatMap((text) => [text, `taken back: ${text}`]).map((text) => ({ at: AT, text }));
    const history = [...record.history, ...nacks, { at: AT, text: why }];
    const stage = state === "done" ? 1 : record.stage;
    const acked = state === "done" ? ["edge-1"] : [];
    this.rollouts.set(id, {
      ...rest,
      state,
      stage,
      acked,
      refused,
      why,
      history,
      seq: this.events.length,
      ...(state === "held" ? {} : { endedAt: AT }),
    });
    if (state === "held") return;
    this.active = null;
    if (state !== "done") return;
    this.live = record.to;
    this.done.push({ ...record.to, rollout: id, at: AT });
  }

  private noted(request: Request): void {
    this.asked.push(request);
    if (this.failure !== undefined) throw this.failure;
  }

  async publish(request: PublishRequest): Promise<Effect> {
    this.noted(request);
    const nodes = this.fleet.map(({ identity }) => identity.id);
    const weights = this.live?.weights ?? {};
    if (request.dryRun === true) {
      const rollout = this.start("config", { revision: this.revisions.size + 1, weights }, request);
      return { summary: ["publishes revision 2"], nodes, rollout };
    }
    const revision = this.addRevision(request);
    const rollout = this.start("config", { revision: revision.n, weights }, request);
    return { summary: [`publishes revision ${revision.n}`], nodes, revision, rollout };
  }

  async shift(request: ShiftRequest): Promise<Effect> {
    this.noted(request);
    if (this.live === null) throw new ControlError("not-ready", "nothing is published yet");
    if (!Object.hasOwn(this.live.weights, request.service)) {
      throw new ControlError("not-found", `there is no service "${request.service}"; there is reviews`);
    }
    const weights = {
      ...this.live.weights,
      [request.service]: { v1: 10_000 - (request.weights["v2"] ?? 0), ...request.weights },
    };
    const rollout = this.start("shift", { revision: this.live.revision, weights }, request, request.service);
    return { summary: ["moves reviews"], nodes: ["edge-1"], rollout };
  }

  async rollOut(request: ConfigRolloutRequest): Promise<Effect> {
    this.noted(request);
    const rollout = this.start("config", { revision: request.revision, weights: this.live?.weights ?? {} }, request);
    return { summary: ["rolls out"], nodes: [], rollout };
  }

  async rollback(request: RollbackRequest): Promise<Effect> {
    this.noted(request);
    const target = this.done.at(-2);
    if (target === undefined) throw new ControlError("nothing-to-do-back", "there is no earlier state to go back to");
    if (request.to === this.live?.revision) return { summary: ["it is in force already"], nodes: [] };
    const { revision, weights } = target;
    return {
      summary: ["goes back"],
      nodes: ["edge-1"],
      rollout: this.start("rollback", { revision, weights }, request),
    };
  }

  async abort(id: string, request: Request): Promise<Effect> {
    this.noted(request);
    const record = this.rollouts.get(id);
    if (record === undefined || record.endedAt !== undefined) throw new ControlError("conflict", `${id} has ended`);
    if (request.dryRun === true) return { summary: ["takes it back"], nodes: ["edge-1"], rollout: record };
    this.finish(id, "aborted");
    const rollout = this.rollouts.get(id);
    return { summary: ["takes it back"], nodes: ["edge-1"], ...(rollout === undefined ? {} : { rollout }) };
  }

  async journal(after: number, limit: number): Promise<readonly JournalEvent[]> {
    return this.events.filter(({ seq }) => seq > after).slice(0, limit);
  }

  watch(listener: (event: JournalEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {}
}

/** A connected Envoy that has what it should. */
export function nodeOf(id: string, overrides: Partial<NodeStatus> = {}): NodeStatus {
  return {
    identity: { id, cluster: "edge", labels: { tier: "1" }, zone: "eu-1", envoyVersion: "1.40.0" },
    connected: true,
    since: Date.parse(AT),
    state: "IN_SYNC",
    types: new Map([["type.googleapis.com/envoy.config.cluster.v3.Cluster", { state: "SYNCED", version: "abc" }]]),
    ...overrides,
  };
}
