import { describe, expect, it } from "vitest";
import type { Store } from "../../src/control/store.ts";
import type { EventBody } from "../../src/core/journal/event.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { folder } from "../store/folder.ts";
import { TYPE } from "./fake-fleet.ts";
import { ASKED, MemoryStore, meshOf, openLive, openWorld, rollout, shift, type World } from "./world.ts";

const ALL = ["edge-1", "edge-2", "edge-3"];
const connect = async (world: World<Store>, behaviour: "acks" | "silent" = "acks", nodes = ALL) => {
  for (const id of nodes) world.fleet.connect(id, { behaviour });
  await world.settle();
};
const publish = (world: World) => world.control.publish({ ...ASKED, mesh: meshOf("two") });

describe("after a restart", () => {
  it("every node gets the very bytes it had, with another compiler too", async () => {
    const world = await openLive();
    await shift(world, 500);
    await world.settle();
    const before = world.fleet.view("edge-1")?.snapshot;
    world.compile = () => ({ resources: [], problems: [] });
    await world.restart();
    expect(world.control.readiness()).toEqual({ ready: true });
    await connect(world);
    expect(world.fleet.view("edge-1")?.snapshot).toEqual(before);
    expect(world.control.state().live?.weights["reviews"]).toEqual({ v1: 9_500, v2: 500 });
  });

  it("a rollout goes on where it was, at whatever event it stopped", async () => {
    const world = await openLive();
    await publish(world);
    await world.settle();
    const events = [...world.store.events];
    const start = events.findIndex(({ body }) => body.type === "rollout.started") + 1;
    for (let kept = start; kept <= events.length; kept += 1) {
      const store = new MemoryStore();
      store.events.push(...events.slice(0, kept));
      for (const [digest, bytes] of world.store.blobs) store.blobs.set(digest, bytes);
      const again = await openWorld(store);
      await connect(again);
      again.clock.advance(30_000);
      await again.settle();
      expect(rollout(again).state, `after event ${kept}`).toBe("done");
      for (const id of ALL) expect(again.fleet.view(id)?.revision).toBe(2);
    }
  });

  it("hosts that come back with the target count, and those outside the stage get what was before", async () => {
    const world = await openLive();
    for (const id of ALL) world.fleet.behave(id, "silent");
    await publish(world);
    const [first] = rollout(world).targets as [string];
    await world.restart();
    await connect(world, "silent");
    expect(rollout(world)).toMatchObject({ state: "applying", targets: [first], lost: [] });
    for (const id of ALL) expect(world.fleet.view(id)?.revision).toBe(id === first ? 2 : 1);
    world.fleet.answer(first, "acks");
    await world.settle();
    expect(rollout(world)).toMatchObject({ stage: 1, acked: [first] });
  });

  it("a way back is finished", async () => {
    const world = await openLive();
    for (const id of ALL) world.fleet.behave(id, "silent");
    await publish(world);
    const [first] = rollout(world).targets as [string];
    world.fleet.refuse(first, "no");
    await world.settle();
    await world.restart();
    await connect(world);
    expect(rollout(world).state).toBe("rolledBack");
    for (const id of ALL) expect(world.fleet.view(id)?.revision).toBe(1);
  });

  it("what was refused and not repaired is not trusted", async () => {
    const world = await openLive();
    world.fleet.refuse("edge-1", "no");
    await world.settle();
    await world.restart();
    expect(world.fleet.distrusted).toEqual([{ node: "edge-1", typeUrl: TYPE, names: ["a"] }]);
    await connect(world);
    world.fleet.refuse("edge-1", "no");
    await world.settle();
    expect(world.store.events.filter(({ body }) => body.type === "nack")).toHaveLength(1);
  });

  it("a journal that a newer version has written is not guessed at", async () => {
    const world = await openLive();
    world.store.events.push({
      seq: world.store.events.length + 1,
      at: "",
      body: { type: "freeze.started" } as unknown as EventBody,
    });
    await expect(openWorld(world.store)).rejects.toMatchObject({
      code: "not-ready",
      message: expect.stringMatching(/newer version/),
    });
  });

  it("a mesh that is missing is said, not replaced", async () => {
    const world = await openLive();
    world.store.blobs.clear();
    await expect(openWorld(world.store)).rejects.toMatchObject({
      code: "not-ready",
      message: expect.stringMatching(/mesh of revision 1/),
    });
  });
});

describe("a store that fails", () => {
  it("refuses commands, changes nothing, and everything goes on being served", async () => {
    const world = await openLive();
    world.store.failing = true;
    const before = world.control.state();
    await expect(shift(world, 500)).rejects.toMatchObject({ code: "store-failed" });
    await expect(publish(world)).rejects.toMatchObject({ code: "store-failed" });
    expect(world.control.state()).toBe(before);
    world.fleet.connect("late");
    await world.settle();
    expect(world.fleet.view("late")?.revision).toBe(1);
    world.store.failing = false;
    await publish(world);
    await world.settle();
    expect(world.control.state().live?.revision).toBe(2);
    expect(await world.control.mesh(2)).toEqual(meshOf("two"));
  });

  it("serves a group that could not be stored from memory, and stores it later", async () => {
    const world = await openLive([]);
    world.store.failing = true;
    world.fleet.connect("edge-1");
    await world.settle();
    expect(world.fleet.view("edge-1")?.revision).toBe(1);
    world.store.failing = false;
    world.clock.advance(1_000);
    await world.settle();
    expect(world.store.events.at(-1)?.body.type).toBe("view.compiled");
  });

  it("under a running rollout stops it where it is, and it goes on when the store is back", async () => {
    const world = await openLive();
    for (const id of ALL) world.fleet.behave(id, "silent");
    await publish(world);
    const [first] = rollout(world).targets as [string];
    world.store.failing = true;
    world.fleet.answer(first, "acks");
    await world.settle();
    expect(ALL.filter((id) => world.fleet.view(id)?.revision === 2)).toEqual([first]);
    for (const id of ALL) world.fleet.behave(id, "acks");
    world.store.failing = false;
    world.clock.advance(1_000);
    await world.settle();
    expect(rollout(world).state).toBe("done");
  });

  it("loses no refusal", async () => {
    const world = await openLive();
    world.store.failing = true;
    world.fleet.refuse("edge-1", "no");
    await world.settle();
    world.store.failing = false;
    world.clock.advance(1_000);
    await world.settle();
    expect(world.store.events.at(-1)?.body).toMatchObject({ type: "nack", node: "edge-1" });
  });
});

it("works the same on a real file", async () => {
  const dir = folder();
  const opened = await openSqliteStore(dir);
  if ("unusable" in opened) throw new Error(opened.unusable);
  const world = await openWorld(opened.store);
  await world.control.publish({ ...ASKED, mesh: meshOf("one"), seed: true });
  await connect(world);
  await shift(world, 500);
  await world.settle();
  const before = world.fleet.view("edge-1")?.snapshot;
  await world.control.close();
  const reopened = await openSqliteStore(dir);
  if ("unusable" in reopened) throw new Error(reopened.unusable);
  const again = await openWorld(reopened.store);
  await connect(again);
  expect(again.fleet.view("edge-1")?.snapshot.digest).toBe(before?.digest);
  expect(again.control.state().seq).toBe(world.control.state().seq);
  await again.control.close();
});

it("who watches sees every event once it is on disk, and a watcher that fails disturbs nobody", async () => {
  const world = await openLive();
  const seen: number[] = [];
  const stop = world.control.watch(({ seq }) => {
    expect(world.store.events.length).toBeGreaterThanOrEqual(seq);
    seen.push(seq);
    throw new Error("mine");
  });
  const from = world.control.state().seq;
  await shift(world, 500);
  await world.settle();
  expect(seen).toEqual(world.store.events.slice(from).map(({ seq }) => seq));
  stop();
  await shift(world, 600);
  expect(seen.at(-1)).toBeLessThan(world.control.state().seq);
  expect(await world.control.journal(from, 1)).toHaveLength(1);
});
