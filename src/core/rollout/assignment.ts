import type { FleetState } from "../journal/event.ts";
import type { State } from "../journal/state.ts";

/**
 * Which state each node should have now: the target for those that a stage of the active rollout has reached, what they
 * had before for all others. null where nothing is to be said to it.
 */
export function assigner(state: State): (nodeId: string) => FleetState | null {
  const rollout = state.active === null ? undefined : state.rollouts.get(state.active);
  if (rollout === undefined) return () => served(state.live);
  const { from, to } = rollout;
  if (rollout.state === "rollingBack") return () => served(from);
  const strays = new Map((rollout.strays ?? []).flatMap((some) => some.nodes.map((node) => [node, some.state])));
  const targets = new Set(rollout.targets);
  return (nodeId) => served(targets.has(nodeId) ? to : (strays.get(nodeId) ?? from));
}

/** The same for one node. */
export function assignment(state: State, nodeId: string): FleetState | null {
  return assigner(state)(nodeId);
}

function served(state: FleetState | null): FleetState | null {
  return state === null || state.revision === 0 ? null : state;
}
