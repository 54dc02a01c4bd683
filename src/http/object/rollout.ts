import type { FleetState } from "../../core/journal/event.ts";
import type { RolloutRecord } from "../../core/journal/state.ts";
import { isEnd } from "../../core/rollout/states.ts";
import type { RolloutObject, Split } from "../contract.ts";

/** A rollout as the API shows it. */
export function rolloutObject(record: RolloutRecord): RolloutObject {
  return {
    id: record.id,
    kind: record.kind,
    state: record.state,
    ...(record.service === undefined ? {} : { service: record.service }),
    stage: stageOf(record),
    weights: weightsOf(record),
    hosts: {
      target: [...record.targets],
      acked: [...record.acked],
      refused: record.refused.map((refusal) => ({ ...refusal })),
      lost: [...record.lost],
    },
    next: nextOf(record),
    checks: [],
    from: fleetState(record.from),
    to: fleetState(record.to),
    why: record.why,
    undoes: [...record.undoes],
    reason: record.asked.reason,
    by: record.asked.by,
    startedAt: record.startedAt,
    endedAt: record.endedAt ?? null,
    history: record.history.map((entry) => ({ ...entry })),
    version: String(record.seq),
    allowedActions: isEnd(record.state) || record.ends === "aborted" ? [] : ["abort"],
  };
}

function fleetState({ revision, weights }: FleetState): RolloutObject["from"] {
  return {
    revision,
    weights: Object.fromEntries(Object.entries(weights).map(([name, split]) => [name, { ...split }])),
  };
}

function stageOf(record: RolloutRecord): RolloutObject["stage"] {
  return {
    index: record.stage,
    count: record.stages.length,
    hosts: record.stages[record.stage]?.hosts ?? null,
    weight: dialOf(record),
    since: record.since,
  };
}

/** The dial of a shift: the weight of the version that moves most, of two that move alike the later one. */
function dialOf(record: RolloutRecord): number | null {
  if (record.kind !== "shift") return null;
  const before = splitOf(record.from, record.service);
  let most = { move: 0, weight: null as number | null };
  for (const [version, weight] of Object.entries(splitOf(record.to, record.service))) {
    const move = Math.abs(weight - (Object.hasOwn(before, version) ? (before[version] ?? 0) : 0));
    if (move >= most.move) most = { move, weight };
  }
  return most.weight;
}

/**
 * Wanted is the split that the rollout works towards now. Acknowledged is the one that every host has taken;
 * while hosts differ, that is still the one it comes from. Nothing counts requests yet, so nothing is seen.
 */
function weightsOf(record: RolloutRecord): RolloutObject["weights"] {
  const from = splitOf(record.from, record.service);
  const to = splitOf(record.to, record.service);
  const goesBack = record.state !== "done" && (isEnd(record.state) || record.state === "rollingBack");
  return { wanted: goesBack ? from : to, acked: isEverywhere(record) ? to : from, seen: {} };
}

/** Have all hosts taken the target, and not been taken back? */
export function isEverywhere(record: RolloutRecord): boolean {
  if (record.state === "done") return true;
  if (isEnd(record.state) || record.state === "rollingBack" || record.stage !== record.stages.length - 1) return false;
  const settled = new Set([...record.acked, ...record.lost]);
  return record.targets.every((node) => settled.has(node));
}

function splitOf(state: FleetState, service: string | undefined): Split {
  if (service === undefined || !Object.hasOwn(state.weights, service)) return {};
  return { ...state.weights[service] };
}

function nextOf(record: RolloutRecord): RolloutObject["next"] {
  const at = record.deadline ?? null;
  switch (record.state) {
    case "done":
    case "rolledBack":
    case "aborted":
    case "failed":
      return { action: "none", at: null, text: "nothing, it has ended" };
    case "held":
      return { action: "wait", at: null, text: "it waits for a person, or for the hosts to acknowledge" };
    case "rollingBack":
      return { action: record.ends ?? "rolledBack", at, text: "ends once every host is back" };
    case "planned":
    case "applying":
      return record.stage < record.stages.length - 1
        ? { action: "advance", at, text: "goes to all hosts once the first has acknowledged" }
        : { action: "finish", at, text: "is done once all hosts have acknowledged" };
  }
}
