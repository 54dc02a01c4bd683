import { ControlError } from "../core/failure/control-error.ts";
import type { Asked, EventBody, FleetState, RolloutKind, StagePlan, Strays } from "../core/journal/event.ts";
import type { Made, RolloutRecord, State } from "../core/journal/state.ts";
import { canonicalJson } from "../core/mesh/canonical.ts";
import type { Digest } from "../core/resource/resource.ts";
import { nodeNames } from "../core/rollout/node-names.ts";
import type { Request } from "./control-plane.ts";
import type { Placement } from "./placement.ts";
import type { Unstored } from "./views.ts";

/** What a command comes to: events to append, and what to say. No events: there is nothing to do. */
export interface Plan {
  readonly events: readonly EventBody[];
  readonly blobs: readonly Uint8Array[];
  readonly summary: readonly string[];
  readonly revision?: number;
  readonly rollout?: string;
}

/** A rollout that is to start. */
export interface Start {
  readonly kind: RolloutKind;
  readonly from: FleetState;
  readonly to: FleetState;
  readonly stages: readonly StagePlan[];
  readonly service?: string;
  readonly strays?: readonly Strays[];
  readonly undoes?: readonly string[];
}

/** One host, then all. */
export const ONE_THEN_ALL: readonly StagePlan[] = [{ hosts: 1 }, { hosts: "all" }];

/** Longest reason, name of a person and idempotency key, in characters. */
const REASON_LIMIT = 1_000;
const NAME_LIMIT = 200;

/**
 * Who asks and why, as they stand in the journal: word for word.
 *
 * @throws ControlError `invalid` where there is no reason, or one that is too long to be one
 */
export function askedOf({ by, reason, idempotencyKey, fingerprint }: Request): Asked {
  if (reason.trim() === "") throw invalidRequest("reason", "a reason is needed: it is what others read later");
  if (reason.length > REASON_LIMIT)
    throw invalidRequest("reason", `the reason is longer than ${REASON_LIMIT} characters`);
  if (by.trim() === "" || by.length > NAME_LIMIT) throw invalidRequest("by", "who asks must be named, briefly");
  if (idempotencyKey === undefined) return { by, reason };
  if (idempotencyKey === "" || idempotencyKey.length > NAME_LIMIT) {
    throw invalidRequest("idempotencyKey", `an idempotency key has 1 to ${NAME_LIMIT} characters`);
  }
  return { by, reason, idempotencyKey, ...(fingerprint === undefined ? {} : { fingerprint }) };
}

/** The same for the same request, and for no other: its key is not part of it, nor whether it was tried out before. */
export function fingerprintOf(kind: string, request: Request, digest: Digest): string {
  const { idempotencyKey: _key, dryRun: _dryRun, ...content } = request;
  return digest(canonicalJson({ kind, ...content })).slice(0, 16);
}

/**
 * What a request with this key has made before.
 *
 * @throws ControlError `invalid` where it was another request: its answer would be taken for that of this one
 */
export function madeBefore(state: State, { idempotencyKey, fingerprint }: Request): Made | undefined {
  const made = idempotencyKey === undefined ? undefined : state.keys.get(idempotencyKey);
  if (made?.fingerprint === undefined || made.fingerprint === fingerprint) return made;
  const message = "this idempotency key was used for another request; each request has a key of its own";
  throw invalidRequest("idempotencyKey", message);
}

const FIELD_CODES = { reason: "bad-reason", by: "bad-by", idempotencyKey: "bad-idempotency-key" } as const;

function invalidRequest(field: keyof typeof FIELD_CODES, message: string): ControlError {
  return new ControlError("invalid", message, { problems: [{ path: [field], message, code: FIELD_CODES[field] }] });
}

/** @throws ControlError `conflict` that names the rollout that is active */
export function requireIdle(state: State): void {
  if (state.active === null) return;
  const { kind, asked } = state.rollouts.get(state.active) as RolloutRecord;
  throw new ControlError(
    "conflict",
    `${state.active} (${kind}, by ${asked.by}: ${asked.reason}) has not ended; one rollout runs at a time. Wait for it, abort it, or roll back`,
    { holder: state.active },
  );
}

/** The rollout's events, with the views that it needs. */
export function startPlan(
  state: State,
  placement: Placement,
  start: Start,
  rest: { asked: Asked; views: Unstored },
): Plan {
  const { asked, views } = rest;
  if (views.problems.length > 0) throw invalidMesh(views);
  const id = `ro-${state.rollouts.size + 1}`;
  const nodes = placement.changing(start);
  const started: EventBody = { type: "rollout.started", rollout: id, ...start, nodes, asked };
  return {
    events: [...views.events, started],
    blobs: views.blobs,
    summary: [reachSentence(nodes, start.stages)],
    rollout: id,
  };
}

/** @returns the error for a mesh that cannot be compiled for some group */
export function invalidMesh({ problems }: Pick<Unstored, "problems">): ControlError {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return new ControlError("invalid", `${count} in the mesh; nothing was changed`, { problems });
}

function reachSentence(nodes: readonly string[], stages: readonly StagePlan[]): string {
  if (nodes.length === 0) return "no connected host has anything to change: it is in force at once";
  const hosts = nodes.length === 1 ? "1 host" : `${nodes.length} hosts`;
  const how = stages[0]?.hosts === 1 && nodes.length > 1 ? ", one first, then the rest once it has acknowledged" : "";
  return `changes ${hosts}${how}: ${nodeNames(nodes)}`;
}
