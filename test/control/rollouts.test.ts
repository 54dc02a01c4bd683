import { describe, expect, it } from "vitest";
import { TYPE } from "./fake-fleet.ts";
import { ASKED, meshOf, openLive, openWorld, rollout, shift, typesOf, type World } from "./world.ts";

const ALL = ["edge-1", "edge-2", "edge-3"];
const quiet = (world: World, nodes: readonly string[] = ALL) => nodes.forEach((id) => world.fleet.behave(id, "silent"));
const answer = async (world: World, nodes: readonly string[] = ALL) => {
  nodes.forEach((id) => world.fleet.answer(id, "acks"));
  await world.settle();
};
const weights = (world: World) => world.control.state().live?.weights["reviews"];
const publish = (world: World, mark = "two") => world.control.publish({ ...ASKED, mesh: meshOf(mark) });

describe("a change", () => {
  it("goes to one host, then to all, and is done at the last acknowledgement", async () => {
    const world = await openLive();
    quiet(world);
    const { rollout: started, nodes } = await shift(world, 500);
    expect(nodes).toEqual(ALL);
    expect(started).toMatchObject({ id: "ro-1", kind: "shift", service: "reviews", state: "applying", stage: 0 });
    const first = rollout(world).targets;
    expect(first).toHaveLength(1);
    expect(ALL.filter((id) => world.fleet.told(id).length === 2)).toEqual(first);
    await answer(world, first);
    expect(rollout(world).stage).toBe(1);
    expect(new Set(rollout(world).targets)).toEqual(new Set(ALL));
    await answer(world);
    expect(rollout(world)).toMatchObject({ state: "done", lost: [], refused: [] });
    expect(new Set(rollout(world).acked)).toEqual(new Set(ALL));
    expect(weights(world)).toEqual({ v1: 9_500, v2: 500 });
  });

  it("is done before its command returns where every host answers at once", async () => {
    const world = await openLive();
    await shift(world, 500);
    await world.settle();
    expect(rollout(world).state).toBe("done");
    expect(ALL.map((id) => world.control.node(id)?.state)).toEqual(["IN_SYNC", "IN_SYNC", "IN_SYNC"]);
  });

  it("is done at once where no host is connected or nothing changes for those that are", async () => {
    const world = await openLive([]);
    world.fleet.connect("other", { cluster: "elsewhere" });
    const { rollout: started } = await shift(world, 500);
    expect(started?.state).toBe("done");
    expect(world.fleet.unmatched("other")).toMatch(/nothing in revision 1 selects it.*"elsewhere"/);
    expect(world.fleet.view("other")).toBeUndefined();
  });

  it("writes the start and its first stage at once", async () => {
    const world = await openLive();
    quiet(world);
    const before = world.store.appends;
    await shift(world, 500);
    expect(world.store.appends).toBe(before + 1);
    expect(typesOf(world).slice(-3)).toEqual(["view.compiled", "rollout.started", "rollout.stage"]);
  });

  it("carries a revision just so, with the weights of today", async () => {
    const world = await openLive();
    await shift(world, 500);
    await world.settle();
    const { revision } = await publish(world);
    await world.settle();
    expect(revision).toMatchObject({ n: 2, parent: 1 });
    expect(world.control.state().live).toEqual({ revision: 2, weights: { reviews: { v1: 9_500, v2: 500 } } });
    expect(world.fleet.view("edge-1")?.revision).toBe(2);
  });
});

describe("a refusal", () => {
  it("reaches one host, and the fleet is back on what it had", async () => {
    const world = await openLive();
    const before = world.fleet.view("edge-1")?.snapshot.digest;
    quiet(world);
    await publish(world);
    const [first] = rollout(world).targets as [string];
    world.fleet.behave(first, "acks");
    world.fleet.refuse(first, "cannot bind");
    await world.settle();
    expect(rollout(world)).toMatchObject({
      state: "rolledBack",
      refused: [{ node: first, typeUrl: TYPE, error: "cannot bind" }],
      why: `${first} refused routes: cannot bind`,
    });
    expect(rollout(world).targets).toEqual([first]);
    for (const id of ALL) expect(world.fleet.view(id)?.snapshot.digest).toBe(before);
    expect(world.control.state().live?.revision).toBe(1);
    expect(typesOf(world)).toContain("nack.repaired");
    expect(world.control.state().unrepaired.size).toBe(0);
  });

  it("in the last stage takes all back", async () => {
    const world = await openLive();
    world.fleet.behave("edge-2", "refuses");
    await publish(world, "two");
    await world.settle();
    const record = rollout(world);
    // The one that refuses everything refuses the way back too.
    world.clock.advance(5_000);
    await world.settle();
    expect(record.refused.map(({ node }) => node)).toContain("edge-2");
    expect(rollout(world)).toMatchObject({
      state: "failed",
      why: expect.stringContaining("edge-2 did not acknowledge"),
    });
    expect(world.control.state().live?.revision).toBe(1);
  });

  it("is in the journal once, however often it is said", async () => {
    const world = await openLive();
    for (let n = 0; n < 5; n += 1) world.fleet.refuse("edge-1", "no");
    world.fleet.refuse("edge-1", "no, really");
    await world.settle();
    const nacks = world.store.events.flatMap(({ body }) => (body.type === "nack" ? [body] : []));
    expect(nacks.map(({ error, rollout: id }) => [error, id])).toEqual([
      ["no", undefined],
      ["no, really", undefined],
    ]);
    expect(world.control.state().active).toBeNull();
  });

  it("of what a host had before does not stop a rollout", async () => {
    const world = await openLive();
    quiet(world);
    const old = world.fleet.view("edge-1");
    await publish(world);
    const [first] = rollout(world).targets as [string];
    world.fleet.refuse(first, "late", old);
    await world.settle();
    expect(rollout(world).state).toBe("applying");
  });

  it("that comes while the others are on their way back changes nothing", async () => {
    const world = await openLive();
    const first = await firstThenSilent(world);
    const target = world.fleet.view(first);
    const others = ALL.filter((id) => id !== first);
    world.fleet.refuse(others[0]!, "no", target);
    await world.settle();
    expect(rollout(world).state).toBe("rollingBack");
    world.fleet.refuse(others[1]!, "no", target);
    await answer(world);
    expect(rollout(world).state).toBe("rolledBack");
    expect(rollout(world).refused).toHaveLength(2);
  });
});

/** A rollout whose first host has acknowledged and whose others say nothing. */
async function firstThenSilent(world: World): Promise<string> {
  quiet(world);
  await publish(world);
  const [first] = rollout(world).targets as [string];
  await answer(world, [first]);
  return first;
}

describe("silence", () => {
  it("holds after 30 s, and a late acknowledgement goes on", async () => {
    const world = await openLive();
    quiet(world);
    await shift(world, 500);
    world.clock.advance(29_999);
    await world.settle();
    expect(rollout(world).state).toBe("applying");
    world.clock.advance(1);
    await world.settle();
    expect(rollout(world)).toMatchObject({ state: "held", why: expect.stringContaining("within 30 s") });
    await answer(world);
    await answer(world);
    expect(rollout(world).state).toBe("done");
    expect(typesOf(world)).toContain("rollout.resumed");
  });

  it("holds a rollback after 5 s", async () => {
    const world = await openLive();
    await shift(world, 500);
    await world.settle();
    quiet(world);
    await world.control.rollback(ASKED);
    world.clock.advance(5_000);
    await world.settle();
    expect(rollout(world, "ro-2")).toMatchObject({ kind: "rollback", state: "held" });
  });
});

describe("hosts that go and come", () => {
  it("the first host is another one when it goes before it acknowledged", async () => {
    const world = await openLive();
    quiet(world);
    await shift(world, 500);
    const [first] = rollout(world).targets as [string];
    world.fleet.disconnect(first);
    await world.settle();
    expect(rollout(world)).toMatchObject({ state: "applying", stage: 0, lost: [first] });
    expect(rollout(world).targets).toHaveLength(2);
    await answer(
      world,
      ALL.filter((id) => id !== first),
    );
    await answer(
      world,
      ALL.filter((id) => id !== first),
    );
    expect(rollout(world).state).toBe("done");
    world.fleet.connect(first, { behaviour: "acks" });
    await world.settle();
    expect(world.control.node(first)?.state).toBe("IN_SYNC");
  });

  it("one that goes and comes back in time counts", async () => {
    const world = await openLive();
    const first = await firstThenSilent(world);
    const [lost, other] = ALL.filter((id) => id !== first) as [string, string];
    world.fleet.disconnect(lost);
    await world.settle();
    expect(rollout(world).lost).toEqual([lost]);
    world.fleet.connect(lost, { behaviour: "acks" });
    await answer(world, [other]);
    expect(rollout(world)).toMatchObject({ state: "done", lost: [] });
  });

  it("a newcomer gets what was before until all is done", async () => {
    const world = await openLive();
    const baseline = world.fleet.view("edge-1");
    await firstThenSilent(world);
    world.fleet.connect("newcomer");
    await world.settle();
    expect(world.fleet.view("newcomer")).toBe(baseline);
    await answer(world);
    expect(rollout(world).state).toBe("done");
    expect(rollout(world).targets).not.toContain("newcomer");
    expect(world.fleet.view("newcomer")?.revision).toBe(2);
  });

  it("one that is away when all is taken back does not get the target again", async () => {
    const world = await openLive();
    const before = world.fleet.view("edge-1")?.snapshot.digest;
    quiet(world);
    await publish(world);
    const [first] = rollout(world).targets as [string];
    world.fleet.refuse(first, "no");
    world.fleet.disconnect(first);
    await world.settle();
    expect(rollout(world).state).toBe("rolledBack");
    expect(world.fleet.view(first)?.snapshot.digest).toBe(before);
  });

  it("one that says anew who it is gets what is for that", async () => {
    const world = await openLive();
    world.fleet.connect("edge-1", { cluster: "elsewhere" });
    await world.settle();
    expect(world.fleet.view("edge-1")).toBeUndefined();
    world.fleet.connect("edge-1", { cluster: "edge" });
    await world.settle();
    expect(world.fleet.view("edge-1")?.group).toBe("edge");
  });
});

describe("the first revision", () => {
  it("makes an empty store ready without a rollout when it is the seed", async () => {
    const world = await openWorld();
    expect(world.control.readiness()).toEqual({
      ready: false,
      why: expect.stringContaining("nothing is published yet"),
    });
    world.fleet.connect("edge-1");
    await world.settle();
    expect(world.fleet.unmatched("edge-1")).toBe("nothing is published yet");
    await world.control.publish({ ...ASKED, mesh: meshOf("one"), seed: true });
    expect(world.control.readiness()).toEqual({ ready: true });
    expect(typesOf(world)).toEqual(["revision.published", "view.compiled"]);
    expect(world.fleet.view("edge-1")?.revision).toBe(1);
  });

  it("is rolled out like any other when a person publishes it", async () => {
    const world = await openWorld();
    for (const id of ALL) world.fleet.connect(id, { behaviour: "silent" });
    const { rollout: started } = await publish(world);
    expect(started).toMatchObject({ kind: "config", state: "applying", from: { revision: 0 } });
    expect(ALL.filter((id) => world.fleet.view(id) !== undefined)).toEqual(started?.targets);
    world.fleet.refuse(started!.targets[0]!, "no");
    await world.settle();
    expect(rollout(world).state).toBe("rolledBack");
    expect(world.control.state().live).toBeNull();
    expect(world.control.readiness().ready).toBe(false);
  });
});
