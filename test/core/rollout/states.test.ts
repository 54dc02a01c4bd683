import { describe, expect, it } from "vitest";
import type { EventBody, RolloutEnd } from "../../../src/core/journal/event.ts";
import type { RolloutState, State } from "../../../src/core/journal/state.ts";
import { ENDS, isEnd, MOVES, type RolloutMove } from "../../../src/core/rollout/states.ts";
import { after, rolling, stage } from "../journal/journal.ts";

const rollout = "ro-1";
const held: EventBody = { type: "rollout.held", rollout, why: "so" };
const back: EventBody = { type: "rollout.rollingBack", rollout, why: "so", deadline: "", end: "rolledBack" };
const ended = (end: RolloutEnd): EventBody => ({ type: "rollout.ended", rollout, end, why: "so" });

/** How to come to each state. */
const IN: Readonly<Record<RolloutState, () => State>> = {
  planned: () => rolling(),
  applying: () => rolling(stage(rollout, 0, ["a"])),
  held: () => rolling(stage(rollout, 0, ["a"]), held),
  rollingBack: () => rolling(stage(rollout, 0, ["a"]), back),
  done: () => rolling(stage(rollout, 0, ["a"]), ended("done")),
  rolledBack: () => rolling(stage(rollout, 0, ["a"]), back, ended("rolledBack")),
  aborted: () => rolling(stage(rollout, 0, ["a"]), ended("aborted")),
  failed: () => rolling(stage(rollout, 0, ["a"]), back, ended("failed")),
};

const EVENTS: Readonly<Record<Exclude<RolloutMove, "rollout.ended">, EventBody>> = {
  "rollout.stage": stage(rollout, 1, ["b"]),
  "rollout.acked": { type: "rollout.acked", rollout, stage: 0, nodes: ["a"] },
  "rollout.lost": { type: "rollout.lost", rollout, nodes: ["a"] },
  "rollout.held": held,
  "rollout.resumed": { type: "rollout.resumed", rollout, why: "so", deadline: "" },
  "rollout.rollingBack": back,
};

const STATES = Object.keys(IN) as RolloutState[];
const ALL_ENDS: readonly RolloutEnd[] = ["done", "rolledBack", "aborted", "failed"];

describe.each(STATES)("a rollout that is %s", (name) => {
  const before = IN[name]();
  const stateAfter = (body: EventBody) => after(before, body).rollouts.get(rollout);

  it("is in that state", () => {
    expect(before.rollouts.get(rollout)?.state).toBe(name);
    expect(before.active).toBe(isEnd(name) ? null : rollout);
  });

  it.each(Object.keys(EVENTS) as (keyof typeof EVENTS)[])("takes %s as the table says", (event) => {
    const next = MOVES[name][event];
    if (next === "illegal") expect(stateAfter(EVENTS[event])).toEqual(before.rollouts.get(rollout));
    else expect(stateAfter(EVENTS[event])?.state).toBe(next);
  });

  it.each(ALL_ENDS)("can end as %s only if the table says so", (end) => {
    if (ENDS[name].includes(end)) expect(stateAfter(ended(end))?.state).toBe(end);
    else expect(stateAfter(ended(end))).toEqual(before.rollouts.get(rollout));
  });

  it("can be broken off, unless it has ended", () => {
    expect(ENDS[name].includes("aborted")).toBe(!isEnd(name));
  });
});
