import { ControlError } from "../core/failure/control-error.ts";
import type { Problem } from "../core/failure/problem.ts";
import type { Asked, EventBody, FleetState, Strays } from "../core/journal/event.ts";
import { NOTHING, sameState } from "../core/journal/same-state.ts";
import type { RolloutRecord, State } from "../core/journal/state.ts";
import { canonicalJson } from "../core/mesh/canonical.ts";
import type { Mesh } from "../core/mesh/mesh.ts";
import { isEmptyMesh, shrinkWarnings, sizeOf } from "../core/mesh/size.ts";
import { carryWeights, seedWeights, shiftWeights } from "../core/mesh/weights.ts";
import type { Digest } from "../core/resource/resource.ts";
import { BACK_LIMIT_MS } from "../core/rollout/decide.ts";
import { nodeNames } from "../core/rollout/node-names.ts";
import { isEnd } from "../core/rollout/states.ts";
import { inForce, rollbackTarget } from "../core/rollout/target.ts";
import { changeSentences, undoesSentences } from "../core/rollout/words.ts";
import type { ConfigRolloutRequest, PublishRequest, Request, RollbackRequest, ShiftRequest } from "./control-plane.ts";
import { possibleGroups } from "./groups.ts";
import type { Meshes } from "./meshes.ts";
import type { Placement } from "./placement.ts";
import { askedOf, invalidMesh, ONE_THEN_ALL, type Plan, requireIdle, startPlan } from "./plan.ts";
import type { Views } from "./views.ts";

/** What commands look at. They write nothing. */
export interface CommandParts {
  readonly meshes: Meshes;
  readonly views: Views;
  readonly placement: Placement;
  readonly digest: Digest;
}

/** Works out what each command comes to, from the state of now. */
export class Commands {
  readonly #parts: CommandParts;

  constructor(parts: CommandParts) {
    this.#parts = parts;
  }

  /** Problems that stand in the way of publishing the mesh; empty where there are none. */
  check(state: State, mesh: Mesh): readonly Problem[] {
    if (isEmptyMesh(mesh)) return [EMPTY_MESH];
    const { weights, problems } = carryWeights(mesh, state.live?.weights ?? {});
    const groups = possibleGroups(mesh, this.#parts.placement.identities());
    return [...problems, ...this.#parts.views.check({ revision: 0, weights }, mesh, groups)];
  }

  async publish(state: State, request: PublishRequest): Promise<Plan> {
    const asked = askedOf(request);
    const { mesh } = request;
    const canonical = canonicalJson(mesh);
    const digest = this.#parts.digest(canonical);
    const live = state.live === null ? undefined : state.revisions.get(state.live.revision);
    // Also in the middle of a shift: whoever applies a file again and again moves no weight, and stands in nobody's way.
    if (live?.mesh === digest && inForce(state)?.revision === live.n) {
      const summary = [`the mesh is that of revision ${live.n}, which is in force: nothing to do`];
      return { events: [], blobs: [], summary, revision: live.n };
    }
    requireIdle(state);
    const problems = this.check(state, mesh);
    if (problems.length > 0) throw invalidMesh({ problems });
    const revision = state.revisions.size + 1;
    const source = request.source === undefined ? undefined : new TextEncoder().encode(request.source.text);
    const published: EventBody = {
      type: "revision.published",
      revision,
      parent: live?.n ?? null,
      mesh: digest,
      ...(request.source === undefined || source === undefined
        ? {}
        : { source: { name: request.source.name, blob: this.#parts.digest(source) } }),
      asked,
    };
    const blobs = [new TextEncoder().encode(canonical), ...(source === undefined ? [] : [source])];
    this.#parts.meshes.put(revision, mesh);
    if (request.seed === true && state.revisions.size === 0) return seedPlan(published, mesh, blobs);
    const start = await this.#config(state, revision, asked);
    const warnings = live === undefined ? [] : await this.#warnings(state, live.n, mesh);
    return {
      ...start,
      events: [published, ...start.events],
      blobs: [...blobs, ...start.blobs],
      summary: [`publishes revision ${revision}`, ...start.summary, ...warnings],
      revision,
    };
  }

  async rollOut(state: State, request: ConfigRolloutRequest): Promise<Plan> {
    const asked = askedOf(request);
    requireIdle(state);
    await this.#parts.meshes.load(state, request.revision);
    if (state.live?.revision === request.revision)
      return idle(`revision ${request.revision} is in force already: nothing to do`);
    return this.#config(state, request.revision, asked);
  }

  async shift(state: State, request: ShiftRequest): Promise<Plan> {
    const asked = askedOf(request);
    requireIdle(state);
    const from = state.live;
    if (from === null) throw new ControlError("not-found", "nothing is published yet: there is no traffic to move");
    const mesh = await this.#parts.meshes.load(state, from.revision);
    const service = mesh.services.find(({ name }) => name === request.service);
    if (service === undefined) throw unknownService(request.service, mesh);
    const current = Object.hasOwn(from.weights, service.name) ? (from.weights[service.name] ?? {}) : {};
    const shifted = shiftWeights(
      current,
      request.weights,
      service.versions.map(({ name }) => name),
    );
    if ("problems" in shifted) {
      throw new ControlError("invalid", `the weights for ${service.name} cannot be used; nothing was changed`, shifted);
    }
    const to = { revision: from.revision, weights: { ...from.weights, [service.name]: shifted.weights } };
    if (sameState(from, to)) return idle(`${service.name} has these weights already: nothing to do`);
    const views = await this.#parts.placement.prepareState(state, to);
    const start = { kind: "shift" as const, service: service.name, from, to, stages: ONE_THEN_ALL };
    return withSentences(startPlan(state, this.#parts.placement, start, { asked, views }), changeSentences(from, to));
  }

  async rollback(state: State, request: RollbackRequest): Promise<Plan> {
    const asked = askedOf(request);
    const found = rollbackTarget(state, {
      ...(typeof request.to === "number" ? { to: request.to } : {}),
      ...(request.keepWeights === true ? { otherRevision: true } : {}),
    });
    if ("nothing" in found) return idle(`${found.nothing}: nothing to do`);
    const to = request.keepWeights === true ? await this.#withWeightsOfToday(state, found.target) : found.target;
    const current = inForce(state) ?? NOTHING;
    if (sameState(to, current) && state.active === null) return idle("this state is in force already: nothing to do");
    const active = state.active === null ? undefined : state.rollouts.get(state.active);
    const views = await this.#parts.placement.prepareState(state, to);
    const undoes = undoesSentences(state, current, to);
    const start = {
      kind: "rollback" as const,
      from: active?.from ?? current,
      to,
      stages: request.now === true ? [{ hosts: "all" as const }] : ONE_THEN_ALL,
      undoes,
      ...(active === undefined ? {} : { strays: straysOf(active) }),
    };
    const plan = withSentences(startPlan(state, this.#parts.placement, start, { asked, views }), undoes);
    if (active === undefined) return plan;
    const why = `${asked.by} rolled back: ${asked.reason}`;
    const aborted: EventBody = { type: "rollout.ended", rollout: active.id, end: "aborted", why };
    return { ...plan, events: [aborted, ...plan.events] };
  }

  abort(state: State, id: string, request: Request, now: number): Plan {
    const asked = askedOf(request);
    const rollout = state.rollouts.get(id);
    if (rollout === undefined)
      throw new ControlError("not-found", `there is no rollout ${JSON.stringify(id.slice(0, 60))}`);
    if (isEnd(rollout.state))
      throw new ControlError("conflict", `nothing to abort: ${id} has ended as ${rollout.state}`);
    if (rollout.ends === "aborted") return { ...idle(`${id} is being taken back already`), rollout: id };
    const why = `${asked.by} aborted it: ${asked.reason}`;
    const deadline = new Date(now + BACK_LIMIT_MS).toISOString();
    const event: EventBody = { type: "rollout.rollingBack", rollout: id, why, deadline, end: "aborted", asked };
    const reached = rollout.targets.length === 0 ? "no host has it yet" : `back from ${nodeNames(rollout.targets)}`;
    return { events: [event], blobs: [], summary: [`takes ${id} back: ${reached}`], rollout: id };
  }

  async #config(state: State, revision: number, asked: Asked): Promise<Plan> {
    const mesh = await this.#parts.meshes.load(state, revision);
    const from = state.live ?? NOTHING;
    const { weights, problems } = carryWeights(mesh, from.weights);
    if (problems.length > 0) throw invalidMesh({ problems });
    const to = { revision, weights };
    const views = await this.#parts.placement.prepareState(state, to);
    const start = { kind: "config" as const, from, to, stages: ONE_THEN_ALL };
    return withSentences(startPlan(state, this.#parts.placement, start, { asked, views }), changeSentences(from, to));
  }

  async #warnings(state: State, from: number, mesh: Mesh): Promise<string[]> {
    const before = await this.#parts.meshes.load(state, from);
    const to = { revision: state.revisions.size + 1, weights: {} };
    const dropped = this.#parts.placement.deselected({ from: state.live ?? NOTHING, to });
    const lost =
      dropped.length === 0 ? [] : [`warning: nothing selects ${nodeNames(dropped)} any more: what they have stays`];
    return [...shrinkWarnings(sizeOf(before), sizeOf(mesh)), ...lost];
  }

  async #withWeightsOfToday(state: State, target: FleetState): Promise<FleetState> {
    const mesh = await this.#parts.meshes.load(state, target.revision);
    const { weights, problems } = carryWeights(mesh, state.live?.weights ?? {});
    if (problems.length > 0) {
      const message = `revision ${target.revision} cannot take today's weights; roll back without keeping them`;
      throw new ControlError("invalid", message, { problems });
    }
    return { revision: target.revision, weights };
  }
}

const EMPTY_MESH: Problem = {
  path: [],
  message: "the mesh has no gateway, sidecar or resource: every Envoy would be left with nothing",
  hint: "check that this is the right file",
  code: "shrinks",
};

function seedPlan(
  published: EventBody & { type: "revision.published" },
  mesh: Mesh,
  blobs: readonly Uint8Array[],
): Plan {
  const { revision } = published;
  const events = [{ ...published, seedWeights: seedWeights(mesh) }];
  return { events, blobs, summary: [`revision ${revision} is live at once, the first`], revision };
}

function idle(sentence: string): Plan {
  return { events: [], blobs: [], summary: [sentence] };
}

function withSentences(plan: Plan, sentences: readonly string[]): Plan {
  return { ...plan, summary: [...sentences, ...plan.summary] };
}

/** Where the rollout that is broken off has left nodes, besides its `from`. */
function straysOf(active: RolloutRecord): Strays[] {
  const taken = new Set(active.targets);
  const older = (active.strays ?? []).map(({ state, nodes }) => ({
    state,
    nodes: nodes.filter((node) => !taken.has(node)),
  }));
  // On its way back every host has been given `from` again, but not all have it.
  if (active.state === "rollingBack") {
    const nodes = [...active.targets, ...older.flatMap((some) => some.nodes)];
    return nodes.length === 0 ? [] : [{ state: active.from, nodes }];
  }
  return [{ state: active.to, nodes: active.targets }, ...older].filter(({ nodes }) => nodes.length > 0);
}

function unknownService(name: string, mesh: Mesh): ControlError {
  const names = mesh.services.map((service) => service.name);
  const known = names.length === 0 ? "the mesh has none" : `there are ${nodeNames(names)}`;
  return new ControlError("not-found", `there is no service ${JSON.stringify(name.slice(0, 100))}: ${known}`);
}
