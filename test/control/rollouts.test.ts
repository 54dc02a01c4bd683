import { describe, expect, it } from "vitest";
import { meshOf, openLive, openWorld, type World } from "./world.ts";

const asked = { by: "ada", reason: "because" };
const shift = (world: World, v2: number) => world.control.shift({ ...asked, service: "reviews", weights: { v2 } });
const rollout = (world: World, id = "ro-1") => world.control.state().rollouts.get(id)!;
const types = (world: World) => world.store.events.map(({ body }) => body.type);

describe("a shift", () => {
  it("goes to one host, then to all, and is done at the last acknowledgement", async () => {
    const world = await openLive();
    for (const id of ["edge-1", "edge-2", "edge-3"]) world.fleet.behave(id, "silent");
    const { rollout: started, nodes } = await shift(world, 500);
    expect(nodes).toEqual(["edge-1", "edge-2", "edge-3"]);
    expect(started).toMatchObject({ id: "ro-1", kind: "shift", state: "applying", stage: 0 });
    const [first] = rollout(world).targets;
    expect(rollout(world).targets).toHaveLength(1);
    world.fleet.answer(first!, "acks");
    await world.settle();
    expect(rollout(world).stage).toBe(1);
    expect(new Set(rollout(world).targets)).toEqual(new Set(["edge-1", "edge-2", "edge-3"]));
    for (const id of ["edge-1", "edge-2", "edge-3"]) world.fleet.answer(id, "acks");
    await world.settle();
    expect(rollout(world)).toMatchObject({
      state: "done",
      acked: expect.arrayContaining(["edge-1", "edge-2", "edge-3"]),
    });
    expect(world.control.state().live?.weights).toEqual({ reviews: { v1: 9_500, v2: 500 } });
  });
});

describe("an empty store", () => {
  it("is not ready, and the seed makes it so without a rollout", async () => {
    const world = await openWorld();
    expect(world.control.readiness().ready).toBe(false);
    await world.control.publish({ ...asked, mesh: meshOf("one"), seed: true });
    expect(world.control.readiness().ready).toBe(true);
    expect(types(world)).toEqual(["revision.published"]);
  });
});
