import { describe, expect, it } from "vitest";
import type { EventBody, FleetState } from "../../../src/core/journal/event.ts";
import { emptyState } from "../../../src/core/journal/fold.ts";
import { sameState } from "../../../src/core/journal/same-state.ts";
import type { State } from "../../../src/core/journal/state.ts";
import { rollbackTarget } from "../../../src/core/rollout/target.ts";
import { undoesSentences } from "../../../src/core/rollout/words.ts";
import { after, fleetState, published, seeded, stage, started } from "../journal/journal.ts";

/** A rollout from what is live to `to`, done. */
function done(state: State, to: FleetState): State {
  const id = `ro-${state.rollouts.size + 1}`;
  const end: EventBody = { type: "rollout.ended", rollout: id, end: "done", why: "so" };
  return after(state, started(id, state.live ?? fleetState(0), to), stage(id, 0, []), end);
}

/** Revision 1 at 0 %, then 5 %, then revision 2 at 5 %. */
const three = (): State => done(after(done(seeded(), fleetState(1, 500)), published(2)), fleetState(2, 500));

describe("a rollback", () => {
  it("goes to the newest done state other than the one in force", () => {
    expect(rollbackTarget(three())).toEqual({ target: fleetState(1, 500) });
    const back = done(three(), fleetState(1, 500));
    expect(rollbackTarget(back)).toEqual({ target: fleetState(2, 500) });
    expect(rollbackTarget(done(back, fleetState(1, 500)))).toEqual({ target: fleetState(2, 500) });
  });

  it("goes to the last state of a revision that is named", () => {
    expect(rollbackTarget(three(), { to: 1 })).toEqual({ target: fleetState(1, 500) });
    expect(rollbackTarget(done(three(), fleetState(2, 900)), { to: 2 })).toHaveProperty("nothing");
  });

  it("has nothing to do where the state is in force", () => {
    expect(rollbackTarget(three(), { to: 2 })).toEqual({ nothing: expect.stringContaining("revision 2 is in force") });
  });

  it("has nothing to go back to: an empty store, the seed alone, a revision never in force", () => {
    expect(() => rollbackTarget(emptyState())).toThrow(/nothing has been published/);
    expect(() => rollbackTarget(seeded())).toThrow(/no earlier state/);
    expect(() => rollbackTarget(after(seeded(), published(2)), { to: 2 })).toThrow(/never been in force/);
    expect(() => rollbackTarget(seeded(), { to: 9 })).toThrow(/no revision 9/);
  });

  it("in the middle of a rollout restores what that comes from", () => {
    const state = after(seeded(), published(2), started("ro-1", fleetState(1), fleetState(2)), stage("ro-1", 0, ["a"]));
    expect(rollbackTarget(state)).toEqual({ target: fleetState(1) });
    expect(rollbackTarget(state, { to: 1 })).toEqual({ target: fleetState(1) });
  });

  it("passes over states of the same revision where the weights stay", () => {
    const state = done(done(three(), fleetState(2, 0)), fleetState(2, 900));
    expect(rollbackTarget(state)).toEqual({ target: fleetState(2, 0) });
    expect(rollbackTarget(state, { otherRevision: true })).toEqual({ target: fleetState(1, 500) });
  });

  it("names what it undoes", () => {
    const sentences = undoesSentences(three(), fleetState(2, 500), fleetState(1, 0));
    expect(sentences).toEqual([
      "revision 2 -> 1",
      "weights of reviews: v1 95%, v2 5% -> v1 100%, v2 0%",
      "undoes ro-2 (config) by ada: because",
    ]);
  });
});

it("two states are the same when their parts are, in whatever order", () => {
  const a = { revision: 1, weights: { a: { x: 1, y: 2 }, b: { z: 3 } } };
  expect(sameState(a, { revision: 1, weights: { b: { z: 3 }, a: { y: 2, x: 1 } } })).toBe(true);
  expect(sameState(a, { revision: 2, weights: a.weights })).toBe(false);
  expect(sameState(a, { revision: 1, weights: { a: { x: 1, y: 2 } } })).toBe(false);
  expect(sameState(a, { revision: 1, weights: { a: { x: 1, y: 3 }, b: { z: 3 } } })).toBe(false);
  expect(sameState({ revision: 1, weights: {} }, { revision: 1, weights: { constructor: { x: 1 } } })).toBe(false);
  expect(sameState(a, null)).toBe(false);
});
