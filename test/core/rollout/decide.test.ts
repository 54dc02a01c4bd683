import { describe, expect, it } from "vitest";
import type { EventBody } from "../../../src/core/journal/event.ts";
import type { State } from "../../../src/core/journal/state.ts";
import { assignment } from "../../../src/core/rollout/assignment.ts";
import { decide, wakeAt } from "../../../src/core/rollout/decide.ts";
import { firstHost, tierOf } from "../../../src/core/rollout/tier.ts";
import {
  after,
  evidence,
  fleetState,
  published,
  rolling,
  seeded,
  sha256,
  stage,
  started,
  T0,
} from "../journal/journal.ts";

const acked = (...nodes: string[]): EventBody => ({ type: "rollout.acked", rollout: "ro-1", stage: 0, nodes });
const lost = (...nodes: string[]): EventBody => ({ type: "rollout.lost", rollout: "ro-1", nodes });
const held: EventBody = { type: "rollout.held", rollout: "ro-1", why: "so" };
const refused: EventBody = {
  type: "nack",
  node: "a",
  group: "g",
  typeUrl: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  error: "bad cluster",
  names: ["x"],
  rollout: "ro-1",
};
const back = (end: "rolledBack" | "aborted" = "rolledBack"): EventBody => ({
  type: "rollout.rollingBack",
  rollout: "ro-1",
  why: "a refused it",
  deadline: new Date(T0 + 5_000).toISOString(),
  end,
});
const types = (events: readonly EventBody[]): string[] => events.map(({ type }) => type);
const rollback = (...more: EventBody[]): State =>
  after(seeded(), published(2), started("ro-1", fleetState(2), fleetState(1), { kind: "rollback" }), ...more);

describe("the first host", () => {
  it("is one of the least critical tier, the same each time", () => {
    const nodes = { a: { tier: 0 }, b: { tier: 3 }, c: { tier: 3 }, d: { tier: 2 } };
    const first = decide(rolling(), evidence(nodes), T0);
    expect(first).toEqual(decide(rolling(), evidence(Object.fromEntries(Object.entries(nodes).reverse())), T0));
    expect(first).toMatchObject([{ type: "rollout.stage", stage: 0, targets: [expect.stringMatching(/^[bc]$/)] }]);
  });

  it("is not always the same one for every rollout", () => {
    const nodes = Array.from({ length: 20 }, (_, index) => ({ node: `edge-${index}`, tier: 2 }));
    const chosen = new Set(Array.from({ length: 50 }, (_, index) => firstHost(nodes, `ro-${index}`, sha256)));
    expect(chosen.size).toBeGreaterThan(5);
  });

  it("has its tier from its label, else from the service of its cluster, else 2", () => {
    const mesh = { services: [{ name: "shop", tier: 0 }] } as never;
    const node = (cluster: string, labels: Record<string, string>) => ({
      id: "",
      cluster,
      labels,
      zone: "",
      envoyVersion: "",
    });
    expect(tierOf(node("shop", { tier: "3" }), mesh)).toBe(3);
    expect(tierOf(node("shop", { tier: "9" }), mesh)).toBe(0);
    expect(tierOf(node("edge", {}), mesh)).toBe(2);
  });

  it("is another one when it goes away before it acknowledges, and a third is not risked", () => {
    const one = rolling(stage("ro-1", 0, ["a"]), lost("a"));
    const nodes = { a: { presence: "gone" as const }, b: {}, c: {} };
    expect(decide(one, evidence(nodes), T0)).toMatchObject([
      { type: "rollout.stage", stage: 0, targets: [expect.any(String)] },
    ]);
    const two = after(one, stage("ro-1", 0, ["b"]), lost("b"));
    expect(decide(two, evidence({ ...nodes, b: { presence: "gone" } }), T0)).toMatchObject([
      { type: "rollout.held", why: expect.stringContaining("no host has acknowledged yet") },
    ]);
  });
});

describe("a stage", () => {
  it("takes the connected nodes whose view changes, and only those", () => {
    const state = rolling(stage("ro-1", 0, ["a"]), acked("a"));
    const nodes = {
      a: { acked: true, changes: false },
      b: {},
      c: { changes: false },
      d: { presence: "gone" as const },
    };
    expect(decide(state, evidence(nodes), T0)).toMatchObject([{ type: "rollout.stage", stage: 1, targets: ["b"] }]);
  });

  it("waits for the last acknowledgement, and is done with it", () => {
    const state = rolling(stage("ro-1", 0, ["a"]), acked("a"), stage("ro-1", 1, ["b", "c"]));
    const b = { acked: true };
    expect(decide(state, evidence({ a: { acked: true }, b: {}, c: {} }), T0)).toEqual([]);
    expect(decide(state, evidence({ a: { acked: true }, b, c: {} }), T0)).toMatchObject([{ nodes: ["b"] }]);
    const all = after(state, acked("b", "c"));
    expect(decide(all, evidence({}), T0)).toMatchObject([
      { type: "rollout.ended", end: "done", why: "acknowledged by 3 hosts" },
    ]);
  });

  it("is done at once without a target", () => {
    const first = decide(rolling(), evidence({ a: { changes: false } }), T0);
    expect(first).toMatchObject([{ stage: 0, targets: [] }]);
    const second = decide(after(rolling(), ...first), evidence({}), T0);
    expect(second).toMatchObject([{ stage: 1, targets: [] }]);
    expect(decide(after(rolling(), ...first, ...second), evidence({}), T0)).toMatchObject([{ end: "done" }]);
  });

  it("does not wait for who disconnects, but is not done if nobody acknowledged", () => {
    const state = rolling(stage("ro-1", 0, ["a"]), acked("a"), stage("ro-1", 1, ["b"]));
    const gone = { presence: "gone" as const };
    expect(decide(state, evidence({ a: { acked: true }, b: gone }), T0)).toMatchObject([
      { type: "rollout.lost", nodes: ["b"] },
    ]);
    expect(decide(after(state, lost("b")), evidence({ b: gone }), T0)).toMatchObject([{ end: "done" }]);
    const nobody = after(rolling(stage("ro-1", 0, [])), stage("ro-1", 1, ["b"]), lost("b"));
    expect(types(decide(nobody, evidence({ b: gone }), T0))).toEqual(["rollout.held"]);
  });

  it("is held without an acknowledgement within 30 s, 5 s on a rollback", () => {
    const state = rolling(stage("ro-1", 0, ["a"]));
    expect(decide(state, evidence({ a: {} }), T0 + 29_999)).toEqual([]);
    expect(decide(state, evidence({ a: {} }), T0 + 30_000)).toMatchObject([
      { type: "rollout.held", why: "no acknowledgement from a within 30 s" },
    ]);
    expect(decide(rollback(), evidence({ a: {} }), T0)).toMatchObject([
      { deadline: new Date(T0 + 5_000).toISOString() },
    ]);
    expect(wakeAt(state, evidence({ a: {} }), T0)).toBe(T0 + 30_000);
  });

  it("stops at the first refusal by a target", () => {
    const state = rolling(stage("ro-1", 0, ["a"]), refused);
    expect(decide(state, evidence({ a: {} }), T0)).toEqual([
      { ...back(), why: "a refused clusters: bad cluster", type: "rollout.rollingBack" },
    ]);
    expect(types(decide(after(state, held), evidence({ a: {} }), T0))).toEqual(["rollout.rollingBack"]);
  });
});

describe("a held rollout", () => {
  const state = rolling(stage("ro-1", 0, ["a"]), held);

  it("goes on with a late acknowledgement", () => {
    const events = decide(state, evidence({ a: { acked: true } }), T0 + 60_000);
    expect(types(events)).toEqual(["rollout.acked", "rollout.resumed"]);
    expect(events[1]).toMatchObject({ deadline: new Date(T0 + 90_000).toISOString() });
  });

  it("waits as long as it takes", () => {
    expect(decide(state, evidence({ a: {} }), T0 + 86_400_000)).toEqual([]);
    expect(wakeAt(state, evidence({ a: {} }), T0)).toBeUndefined();
  });

  it("tries another host when the one it waited for is gone", () => {
    const nodes = { a: { presence: "gone" as const }, b: {} };
    const gone = after(state, ...decide(state, evidence(nodes), T0));
    expect(decide(gone, evidence(nodes), T0)).toMatchObject([
      { type: "rollout.resumed" },
      { stage: 0, targets: ["b"] },
    ]);
  });
});

describe("on the way back", () => {
  const state = rolling(stage("ro-1", 0, ["a"]), acked("a"), stage("ro-1", 1, ["b"]), back());

  it("it ends when every touched host is back", () => {
    expect(decide(state, evidence({ a: { back: true }, b: {} }), T0)).toEqual([]);
    expect(decide(state, evidence({ a: { back: true }, b: { back: true } }), T0)).toMatchObject([
      { type: "rollout.ended", end: "rolledBack", why: "a refused it" },
    ]);
  });

  it("it does not wait for who is gone", () => {
    const nodes = { a: { back: true }, b: { presence: "gone" as const } };
    const next = decide(state, evidence(nodes), T0);
    expect(next).toMatchObject([{ type: "rollout.lost", nodes: ["b"] }]);
    expect(decide(after(state, ...next), evidence(nodes), T0)).toMatchObject([{ end: "rolledBack" }]);
  });

  it("it has failed when one is not back within 5 s", () => {
    expect(decide(state, evidence({ a: { back: true }, b: {} }), T0 + 5_000)).toMatchObject([
      { end: "failed", why: "b did not acknowledge the way back; a refused it" },
    ]);
  });

  it("it ends as aborted where a person wanted that", () => {
    const state = rolling(stage("ro-1", 0, ["a"]), back("aborted"));
    expect(decide(state, evidence({ a: { back: true } }), T0)).toMatchObject([{ end: "aborted" }]);
  });
});

describe("after a restart", () => {
  const watching = T0 + 60_000;

  it("hosts that have not come back yet are not lost, and have 30 s", () => {
    const state = rolling(stage("ro-1", 0, ["a"]));
    expect(decide(state, evidence({}, watching), watching)).toEqual([]);
    expect(wakeAt(state, evidence({}, watching), watching)).toBe(watching + 30_000);
    expect(decide(state, evidence({}, watching), watching + 30_000)).toMatchObject([
      { type: "rollout.lost", nodes: ["a"] },
    ]);
  });

  it("one that has it already counts", () => {
    const state = rolling(stage("ro-1", 0, ["a"]));
    expect(decide(state, evidence({ a: { acked: true } }, watching), watching)).toMatchObject([{ nodes: ["a"] }]);
  });

  it("the next stage waits for those that were here before", () => {
    const nodes = ["a", "b"];
    const begun = after(seeded(), published(2), started("ro-1", fleetState(1), fleetState(2), { nodes }));
    const state = after(begun, stage("ro-1", 0, ["a"]), acked("a"));
    const a = { acked: true };
    expect(decide(begun, evidence({ a: {} }, watching), watching)).toEqual([]);
    expect(decide(state, evidence({ a }, watching), watching)).toEqual([]);
    expect(decide(state, evidence({ a, b: {} }, watching), watching)).toMatchObject([{ stage: 1, targets: ["b"] }]);
    expect(decide(state, evidence({ a }, watching), watching + 30_000)).toMatchObject([{ stage: 1, targets: [] }]);
  });

  it("the way back has not failed because hosts are still on their way", () => {
    const state = rolling(stage("ro-1", 0, ["a"]), back());
    expect(decide(state, evidence({}, watching), watching + 6_000)).toEqual([]);
    expect(decide(state, evidence({}, watching), watching + 30_000)).toMatchObject([{ end: "rolledBack" }]);
    expect(decide(state, evidence({ a: {} }, watching), watching + 30_000)).toMatchObject([{ end: "failed" }]);
  });
});

describe("what a node should have", () => {
  it("is the target for those that a stage has reached, and what was before for all others", () => {
    const state = rolling(stage("ro-1", 0, ["a"]));
    expect(assignment(state, "a")).toEqual(fleetState(2));
    expect(assignment(state, "newcomer")).toEqual(fleetState(1));
    expect(assignment(after(state, held), "a")).toEqual(fleetState(2));
    expect(assignment(after(state, back()), "a")).toEqual(fleetState(1));
  });

  it("is what is live when no rollout runs, and nothing before the first revision", () => {
    expect(assignment(seeded(), "a")).toEqual(fleetState(1));
    const first = after(seeded(), started("ro-1", { revision: 0, weights: {} }, fleetState(1)));
    expect(assignment(first, "a")).toBeNull();
  });

  it("stays what it was for hosts that a broken-off rollout has left elsewhere", () => {
    const strays = [{ state: fleetState(3), nodes: ["s"] }];
    const state = after(seeded(), started("ro-1", fleetState(1), fleetState(2), { strays }));
    expect(assignment(state, "s")).toEqual(fleetState(3));
    expect(assignment(after(state, stage("ro-1", 0, ["s"])), "s")).toEqual(fleetState(2));
    expect(assignment(after(state, back()), "s")).toEqual(fleetState(1));
    expect(decide(after(state, back()), evidence({ s: {} }), T0)).toEqual([]);
  });
});
