import type { EventBody, RolloutEnd } from "../journal/event.ts";
import type { RolloutState } from "../journal/state.ts";

/** The events that move a rollout from one state to another. */
export type RolloutMove = Exclude<Extract<EventBody["type"], `rollout.${string}`>, "rollout.started">;

/** The state after an event; `end` is what the event says, `illegal` is an event that the state does not take. */
export type Next = "planned" | "applying" | "held" | "rollingBack" | "end" | "illegal";

const OVER: Readonly<Record<RolloutMove, Next>> = {
  "rollout.stage": "illegal",
  "rollout.acked": "illegal",
  "rollout.lost": "illegal",
  "rollout.held": "illegal",
  "rollout.resumed": "illegal",
  "rollout.rollingBack": "illegal",
  "rollout.ended": "illegal",
};

/** Every state with every event: what is not here does not compile. */
export const MOVES: Readonly<Record<RolloutState, Readonly<Record<RolloutMove, Next>>>> = {
  planned: {
    ...OVER,
    "rollout.stage": "applying",
    "rollout.rollingBack": "rollingBack",
    "rollout.ended": "end",
  },
  applying: {
    "rollout.stage": "applying",
    "rollout.acked": "applying",
    "rollout.lost": "applying",
    "rollout.held": "held",
    "rollout.resumed": "illegal",
    "rollout.rollingBack": "rollingBack",
    "rollout.ended": "end",
  },
  held: {
    "rollout.stage": "illegal",
    "rollout.acked": "held",
    "rollout.lost": "held",
    "rollout.held": "illegal",
    "rollout.resumed": "applying",
    "rollout.rollingBack": "rollingBack",
    "rollout.ended": "end",
  },
  rollingBack: {
    "rollout.stage": "illegal",
    "rollout.acked": "illegal",
    "rollout.lost": "rollingBack",
    "rollout.held": "illegal",
    "rollout.resumed": "illegal",
    // An abort while it is being taken back anyway: only the end changes.
    "rollout.rollingBack": "rollingBack",
    "rollout.ended": "end",
  },
  done: OVER,
  rolledBack: OVER,
  aborted: OVER,
  failed: OVER,
};

/** How a rollout can end from each state. `aborted` is in each that is not an end: abort wins everywhere. */
export const ENDS: Readonly<Record<RolloutState, readonly RolloutEnd[]>> = {
  planned: ["done", "aborted"],
  applying: ["done", "aborted"],
  held: ["aborted"],
  rollingBack: ["rolledBack", "aborted", "failed"],
  done: [],
  rolledBack: [],
  aborted: [],
  failed: [],
};

/** The state that the event leads to, or undefined where the state does not take it. */
export function moved(
  state: RolloutState,
  body: Extract<EventBody, { readonly type: RolloutMove }>,
): RolloutState | undefined {
  const next = MOVES[state][body.type];
  if (next === "illegal") return undefined;
  if (next !== "end") return next;
  return body.type === "rollout.ended" && ENDS[state].includes(body.end) ? body.end : undefined;
}

/** Has a rollout in this state come to its end? */
export function isEnd(state: RolloutState): boolean {
  return ENDS[state].length === 0;
}
