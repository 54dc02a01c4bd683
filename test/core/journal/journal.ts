import { createHash } from "node:crypto";
import type { EventBody, FleetState, JournalEvent } from "../../../src/core/journal/event.ts";
import { emptyState, foldAll } from "../../../src/core/journal/fold.ts";
import type { State } from "../../../src/core/journal/state.ts";
import type { Evidence, NodeEvidence } from "../../../src/core/rollout/decide.ts";

export const T0 = Date.parse("2030-01-01T00:00:00Z");
export const asked = { by: "ada", reason: "because" };
export const sha256 = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");

/** A state of the fleet with one service. */
export function fleetState(revision: number, v2 = 0): FleetState {
  return { revision, weights: { reviews: { v1: 10_000 - v2, v2 } } };
}

/** Events as they would stand in the journal after `state`, written at `now`. */
export function stamped(bodies: readonly EventBody[], state: State = emptyState(), now = T0): JournalEvent[] {
  const at = new Date(now).toISOString();
  return bodies.map((body, index) => ({ seq: state.seq + 1 + index, at, body }));
}

export function after(state: State, ...bodies: EventBody[]): State {
  return foldAll(state, stamped(bodies, state));
}

export function published(revision: number, seed = false): EventBody {
  const parent = revision === 1 ? null : revision - 1;
  const body = { type: "revision.published" as const, revision, parent, mesh: `mesh-${revision}`, asked };
  return seed ? { ...body, seedWeights: fleetState(revision).weights } : body;
}

export function started(rollout: string, from: FleetState, to: FleetState, more: object = {}): EventBody {
  const stages = [{ hosts: 1 as const }, { hosts: "all" as const }];
  return { type: "rollout.started", rollout, kind: "config", from, to, stages, nodes: [], asked, ...more };
}

export function stage(rollout: string, index: number, targets: readonly string[], now = T0): EventBody {
  return { type: "rollout.stage", rollout, stage: index, targets, deadline: new Date(now + 30_000).toISOString() };
}

/** Revision 1 is live. */
export const seeded = (): State => after(emptyState(), published(1, true));

/** Revision 2 is on its way. */
export const rolling = (...more: EventBody[]): State =>
  after(seeded(), published(2), started("ro-1", fleetState(1), fleetState(2)), ...more);

const HERE: NodeEvidence = { presence: "connected", tier: 2, changes: true, acked: false, back: false };

/** What is seen of nodes; those that are not named are not there. */
export function evidence(nodes: Record<string, Partial<NodeEvidence>>, watchingSince = T0 - 1): Evidence {
  const seen = Object.entries(nodes).map(([id, node]): [string, NodeEvidence] => [id, { ...HERE, ...node }]);
  return { nodes: new Map(seen), watchingSince, digest: sha256 };
}
