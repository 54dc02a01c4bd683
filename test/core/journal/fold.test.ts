import { describe, expect, it } from "vitest";
import type { EventBody } from "../../../src/core/journal/event.ts";
import { emptyState, fold, foldAll } from "../../../src/core/journal/fold.ts";
import { after, asked, fleetState, published, rolling, seeded, stage, stamped, started, T0 } from "./journal.ts";

const ended = (end: "done" | "rolledBack" | "aborted" | "failed", rollout = "ro-1"): EventBody => ({
  type: "rollout.ended",
  rollout,
  end,
  why: "so",
});

describe("folding the journal", () => {
  it("says which event a newer version has written, instead of passing over it", () => {
    const event = { seq: 2, at: "", body: { type: "freeze.started" } as unknown as EventBody };
    expect(() => fold(seeded(), event)).toThrow(/event 2 .*"freeze.started".*newer version/);
    const nameless = { seq: 2, at: "", body: {} as unknown as EventBody };
    expect(() => fold(seeded(), nameless)).toThrow(/without a type/);
  });

  it("notices an event that is missing", () => {
    expect(() =>
      foldAll(
        seeded(),
        stamped([published(2)], seeded()).map((e) => ({ ...e, seq: 3 })),
      ),
    ).toThrow(/event 3 follows event 1/);
  });

  it("leaves the state that it comes from as it was", () => {
    const before = seeded();
    const copy = structuredClone(before);
    after(before, published(2), started("ro-1", fleetState(1), fleetState(2)), stage("ro-1", 0, ["a"]), {
      type: "nack",
      node: "a",
      group: "g",
      typeUrl: "t",
      error: "no",
      names: ["x"],
      rollout: "ro-1",
    });
    expect(before).toEqual(copy);
  });

  it("comes to the same state whatever way it is cut into pieces", () => {
    const bodies = [
      published(1, true),
      published(2),
      started("ro-1", fleetState(1), fleetState(2)),
      stage("ro-1", 0, ["a"]),
      { type: "rollout.acked" as const, rollout: "ro-1", stage: 0, nodes: ["a"] },
      ended("done"),
      { type: "nack" as const, node: "b", group: "g", typeUrl: "t", error: "no", names: ["x"] },
      { type: "nack.repaired" as const, node: "b", typeUrl: "t" },
      { type: "view.compiled" as const, revision: 2, weights: "w", group: "g", manifest: "m" },
    ];
    const events = stamped(bodies);
    const whole = foldAll(emptyState(), events);
    for (let cut = 0; cut <= events.length; cut += 1) {
      const pieces = foldAll(foldAll(emptyState(), events.slice(0, cut)), events.slice(cut));
      expect(pieces).toEqual(whole);
    }
  });
});

describe("a revision", () => {
  const status = (state: ReturnType<typeof seeded>, n: number) => state.revisions.get(n)?.status;

  it("is live when it seeds the store", () => {
    expect(seeded().live).toEqual(fleetState(1));
    expect(seeded().done).toEqual([{ ...fleetState(1), rollout: null, at: new Date(T0).toISOString() }]);
    expect(status(seeded(), 1)).toBe("live");
  });

  it("is validated, then rolling, then live; the one before it retires", () => {
    expect(status(after(seeded(), published(2)), 2)).toBe("validated");
    expect([status(rolling(), 1), status(rolling(), 2)]).toEqual(["live", "rolling"]);
    const done = rolling(stage("ro-1", 0, []), ended("done"));
    expect([status(done, 1), status(done, 2)]).toEqual(["retired", "live"]);
    expect(done.live).toEqual(fleetState(2));
    expect(done.active).toBeNull();
  });

  it("is what it was before when its rollout is taken back", () => {
    const back: EventBody = {
      type: "rollout.rollingBack",
      rollout: "ro-1",
      why: "so",
      deadline: "",
      end: "rolledBack",
    };
    const state = rolling(stage("ro-1", 0, ["a"]), back, ended("rolledBack"));
    expect([status(state, 1), status(state, 2)]).toEqual(["live", "validated"]);
    expect(state.live).toEqual(fleetState(1));
    expect(state.done).toHaveLength(1);
  });

  it("has a new version for each change of its status", () => {
    expect(rolling().revisions.get(2)?.seq).toBe(3);
    expect(rolling().revisions.get(1)?.seq).toBe(1);
  });
});

describe("a refusal", () => {
  const nack = (names: string[], rollout?: string): EventBody => ({
    type: "nack",
    node: "a",
    group: "g",
    typeUrl: "t",
    error: "no",
    names,
    ...(rollout === undefined ? {} : { rollout }),
  });

  it("leaves names in doubt until the type is repaired", () => {
    const state = after(seeded(), nack(["x"]), nack(["y", "x"]));
    expect(state.unrepaired.get("a")?.get("t")).toEqual(["x", "y"]);
    expect(after(state, { type: "nack.repaired", node: "a", typeUrl: "t" }).unrepaired.size).toBe(0);
  });

  it("is among the rollout's hosts in Envoy's own words", () => {
    const state = rolling(stage("ro-1", 0, ["a"]), nack(["x"], "ro-1"));
    expect(state.rollouts.get("ro-1")?.refused).toEqual([{ node: "a", typeUrl: "t", error: "no" }]);
    expect(state.rollouts.get("ro-1")?.history.at(-1)?.text).toBe("a refused t: no");
  });
});

it("remembers what an idempotency key made", () => {
  const withKey = { ...asked, idempotencyKey: "k" };
  const state = after(
    seeded(),
    { ...published(2), asked: withKey } as EventBody,
    started("ro-1", fleetState(1), fleetState(2), { asked: withKey }),
  );
  expect(state.keys.get("k")).toEqual({ revision: 2, rollout: "ro-1" });
});
