import { describe, expect, it } from "vitest";
import type { Mesh } from "../../src/core/mesh/mesh.ts";
import { ASKED, fakeCompile, meshOf, openLive, openWorld, rollout, shift, typesOf, type World } from "./world.ts";

const publish = (world: World, mesh: Mesh = meshOf("two"), more: object = {}) =>
  world.control.publish({ ...ASKED, mesh, ...more });
const weights = (world: World) => world.control.state().live?.weights["reviews"];
const seqOf = (world: World) => world.control.state().seq;

/** An active rollout that waits for its first host. */
async function openRolling(): Promise<World> {
  const world = await openLive();
  for (const id of ["edge-1", "edge-2", "edge-3"]) world.fleet.behave(id, "silent");
  await publish(world);
  return world;
}

describe("publishing", () => {
  it("keeps mesh and text as they are", async () => {
    const world = await openLive();
    await publish(world, meshOf("two"), { source: { name: "shop.yaml", text: "# as written\nservices: []\n" } });
    expect(await world.control.mesh(2)).toEqual(meshOf("two"));
    expect(await world.control.source(2)).toBe("# as written\nservices: []\n");
    expect(await world.control.source(1)).toBeUndefined();
    await expect(world.control.mesh(3)).rejects.toMatchObject({ code: "not-found" });
  });

  it("of what is in force already does nothing: no revision, no rollout", async () => {
    const world = await openLive();
    const before = seqOf(world);
    const effect = await publish(world, meshOf("one"));
    const revision = world.control.state().revisions.get(1);
    expect(effect).toEqual({ summary: [expect.stringContaining("nothing to do")], nodes: [], revision });
    expect(seqOf(world)).toBe(before);
  });

  it("of what is in force does nothing while weights move either, and is in nobody's way", async () => {
    const world = await openLive();
    world.fleet.connect("a", { behaviour: "silent" });
    const { rollout } = await shift(world, 500);
    expect(world.control.state().active).toBe(rollout?.id);
    const before = seqOf(world);
    expect(await publish(world, meshOf("one"))).toMatchObject({ summary: [expect.stringContaining("nothing to do")] });
    expect(seqOf(world)).toBe(before);
    await expect(publish(world, meshOf("two"))).rejects.toMatchObject({ code: "conflict", holder: rollout?.id });
  });

  it("of what cannot be compiled, for whatever group, changes nothing", async () => {
    const world = await openLive();
    const [service] = meshOf("one").services;
    const mesh = meshOf("one", { services: [service!, { ...service!, name: "broken" }] });
    const before = seqOf(world);
    await expect(publish(world, mesh)).rejects.toMatchObject({ code: "invalid", problems: [{ code: "broken-rule" }] });
    expect(world.control.check(mesh)).toHaveLength(1);
    expect(seqOf(world)).toBe(before);
  });

  it("compiles for groups that no node is in yet", async () => {
    const world = await openLive();
    const compiled = new Set<string>();
    world.compile = (mesh, split, selection, codec) => {
      compiled.add(JSON.stringify(selection));
      return fakeCompile(mesh, split, selection, codec);
    };
    const raw = (nodes: Mesh["resources"][number]["nodes"]) => ({ nodes, resource: {} });
    const resources = [
      raw({ cluster: ["edge", "west"] }),
      raw({ labels: { canary: ["yes"] } }),
      raw({ id: ["edge-1"] }),
    ];
    world.control.check(meshOf("two", { resources }));
    const at = (gateways: number[], indexes: number[]) =>
      JSON.stringify({ gateways, sidecars: [], resources: indexes });
    expect(compiled).toEqual(new Set([at([0], [0]), at([0], [0, 2]), at([], [0]), at([], [1]), at([], [2])]));
  });

  it("of an empty mesh is refused: every Envoy would be left with nothing", async () => {
    const world = await openLive();
    await expect(publish(world, meshOf("two", { gateways: [] }))).rejects.toMatchObject({
      code: "invalid",
      problems: [{ code: "shrinks" }],
    });
  });

  it("of a mesh in which a version that has traffic is gone is refused", async () => {
    const world = await openLive();
    await shift(world, 500);
    await world.settle();
    const [service] = meshOf("two").services;
    const mesh = meshOf("two", {
      services: [{ ...service!, versions: [service!.versions[0]!], traffic: { v1: 10_000 } }],
    });
    await expect(publish(world, mesh)).rejects.toMatchObject({
      code: "invalid",
      problems: [{ code: "version-in-use" }],
    });
  });

  it("says what shrinks and who is no longer selected", async () => {
    const world = await openLive();
    world.fleet.connect("west-1", { cluster: "west" });
    const gateway = meshOf("one").gateways[0]!;
    const wide = meshOf("wide", { gateways: [{ ...gateway, nodes: { cluster: ["edge", "west"] } }] });
    await publish(world, wide);
    await world.settle();
    const { summary } = await publish(world, meshOf("narrow", { gateways: [{ ...gateway, hosts: [] }] }), {
      dryRun: true,
    });
    expect(summary).toContain("warning: 1 of 1 routes are taken out");
    expect(summary.join()).toContain("nothing selects west-1 any more");
    expect(world.control.state().revisions.size).toBe(2);
  });
});

describe("shifting", () => {
  it("to the weights in force does nothing", async () => {
    const world = await openLive();
    expect((await shift(world, 0)).rollout).toBeUndefined();
    expect(typesOf(world)).not.toContain("rollout.started");
  });

  it("of an unknown service or to impossible weights changes nothing", async () => {
    const world = await openLive();
    await expect(shift(world, 0, { service: "revuews" })).rejects.toMatchObject({ code: "not-found" });
    await expect(shift(world, 10_001)).rejects.toMatchObject({ code: "invalid", problems: [{ path: ["weights"] }] });
    await expect(shift(world, 0, { weights: { v9: 1 } })).rejects.toMatchObject({ code: "invalid" });
    await expect(
      (await openWorld()).control.shift({ ...ASKED, service: "reviews", weights: {} }),
    ).rejects.toMatchObject({
      code: "not-found",
    });
  });

  it("compiles nothing but what the weights change, and sends the rest as the very same resources", async () => {
    const world = await openLive();
    const before = world.fleet.view("edge-1")!.snapshot;
    await shift(world, 500);
    await world.settle();
    const now = world.fleet.view("edge-1")!.snapshot;
    const same = [...now.types].filter(
      ([type, { resources }]) => resources.get("a") === before.types.get(type)?.resources.get("a"),
    );
    expect(same.map(([type]) => type)).toEqual(["type.googleapis.com/envoy.config.cluster.v3.Cluster"]);
  });
});

describe("a rollback", () => {
  it("serves the stored bytes again, with another compiler too", async () => {
    const world = await openLive();
    const before = world.fleet.view("edge-1")!.snapshot.digest;
    await shift(world, 500);
    await world.settle();
    world.compile = () => ({
      resources: [],
      problems: [{ path: [], message: "a newer compiler cannot", code: "invalid" }],
    });
    const { rollout: started, summary } = await world.control.rollback(ASKED);
    await world.settle();
    expect(rollout(world, "ro-2").state).toBe("done");
    expect(started?.undoes).toEqual([
      "weights of reviews: v1 95%, v2 5% -> v1 100%, v2 0%",
      "undoes ro-1 (shift) by ada: because",
    ]);
    expect(summary.slice(0, 2)).toEqual(started?.undoes);
    expect(world.fleet.view("edge-1")!.snapshot.digest).toBe(before);
    expect(world.control.state().revisions.size).toBe(1);
  });

  it("goes to all at once with --now", async () => {
    const world = await openLive();
    await shift(world, 500);
    await world.settle();
    for (const id of ["edge-1", "edge-2", "edge-3"]) world.fleet.behave(id, "silent");
    const { rollout: started } = await world.control.rollback({ ...ASKED, now: true });
    expect(started?.targets).toHaveLength(3);
  });

  it("in the middle of a rollout breaks it off and restores what that came from, on the hosts that had moved", async () => {
    const world = await openRolling();
    const [first] = rollout(world).targets as [string];
    const others = ["edge-1", "edge-2", "edge-3"].filter((id) => id !== first);
    const before = world.fleet.view(others[0]!)!.snapshot.digest;
    const { rollout: started } = await world.control.rollback(ASKED);
    expect(rollout(world)).toMatchObject({ state: "aborted" });
    expect(started).toMatchObject({ kind: "rollback", targets: [first], to: { revision: 1 } });
    for (const id of others) expect(world.fleet.told(id)).toEqual([before]);
    world.fleet.answer(first, "acks");
    await world.settle();
    expect(rollout(world, "ro-2").state).toBe("done");
    expect(world.control.state().live?.revision).toBe(1);
    expect(world.fleet.view(first)!.snapshot.digest).toBe(before);
    expect(typesOf(world).filter((type) => type === "rollout.ended")).toHaveLength(2);
  });

  it("that is itself broken off leaves no host on what was rolled back", async () => {
    const world = await openRolling();
    const [first] = rollout(world).targets as [string];
    await world.control.rollback(ASKED);
    await world.control.abort("ro-2", ASKED);
    world.fleet.answer(first, "acks");
    await world.settle();
    expect(rollout(world, "ro-2").state).toBe("aborted");
    expect(new Set(["edge-1", "edge-2", "edge-3"].map((id) => world.fleet.view(id)?.revision))).toEqual(new Set([1]));
  });

  it("while a refused rollout is on its way back waits for the hosts that are not back", async () => {
    const world = await openRolling();
    const [first] = rollout(world).targets as [string];
    world.fleet.refuse(first, "no");
    await world.settle();
    expect(rollout(world).state).toBe("rollingBack");
    await world.control.rollback(ASKED);
    expect(rollout(world, "ro-2")).toMatchObject({ state: "applying", targets: [first] });
    world.fleet.answer(first, "acks");
    await world.settle();
    expect(rollout(world, "ro-2").state).toBe("done");
  });

  it("leaves today's weights where asked to", async () => {
    const world = await openLive();
    await publish(world);
    await world.settle();
    await shift(world, 500);
    await world.settle();
    await world.control.rollback({ ...ASKED, keepWeights: true });
    await world.settle();
    expect(world.control.state().live).toEqual({ revision: 1, weights: { reviews: { v1: 9_500, v2: 500 } } });
  });

  it("has nothing to do, or nothing to go back to", async () => {
    const world = await openLive();
    await expect(world.control.rollback(ASKED)).rejects.toMatchObject({ code: "nothing-to-do-back" });
    await expect(world.control.rollback({ ...ASKED, to: 7 })).rejects.toMatchObject({ code: "not-found" });
    expect((await world.control.rollback({ ...ASKED, to: 1 })).rollout).toBeUndefined();
  });
});

describe("an abort", () => {
  it("takes a rollout back from where it is", async () => {
    const world = await openRolling();
    const [first] = rollout(world).targets as [string];
    const { rollout: aborted } = await world.control.abort("ro-1", { by: "bob", reason: "wrong file" });
    expect(aborted).toMatchObject({ state: "rollingBack", ends: "aborted" });
    world.fleet.answer(first, "acks");
    await world.settle();
    expect(rollout(world)).toMatchObject({ state: "aborted", why: "bob aborted it: wrong file" });
    expect(world.control.state().live?.revision).toBe(1);
  });

  it("works on one that is held, and changes the end of one that is on its way back", async () => {
    const held = await openRolling();
    held.clock.advance(30_000);
    await held.settle();
    expect(rollout(held).state).toBe("held");
    expect((await held.control.abort("ro-1", ASKED)).rollout?.state).toBe("rollingBack");
    const back = await openRolling();
    back.fleet.refuse(rollout(back).targets[0]!, "no");
    await back.settle();
    await back.control.abort("ro-1", ASKED);
    back.fleet.answer(rollout(back).targets[0]!, "acks");
    await back.settle();
    expect(rollout(back).state).toBe("aborted");
  });

  it("of what has ended or never was is a conflict, or not found", async () => {
    const world = await openLive();
    await shift(world, 500);
    await world.settle();
    await expect(world.control.abort("ro-1", ASKED)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringMatching(/nothing to abort/),
    });
    await expect(world.control.abort("ro-9", ASKED)).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("one thing at a time", () => {
  it("what would start beside an active rollout is a conflict that names it", async () => {
    const world = await openRolling();
    const holder = { code: "conflict", holder: "ro-1" };
    await expect(shift(world, 500)).rejects.toMatchObject(holder);
    await expect(publish(world, meshOf("three"))).rejects.toMatchObject(holder);
    await expect(world.control.rollOut({ ...ASKED, revision: 1 })).rejects.toMatchObject(holder);
  });

  it("of two that come at once one wins", async () => {
    const world = await openLive();
    for (const id of ["edge-1", "edge-2", "edge-3"]) world.fleet.behave(id, "silent");
    const results = await Promise.allSettled([shift(world, 500), shift(world, 600)]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });

  it("a published revision can be rolled out again", async () => {
    const world = await openRolling();
    await world.control.abort("ro-1", ASKED);
    for (const id of ["edge-1", "edge-2", "edge-3"]) {
      world.fleet.behave(id, "acks");
      world.fleet.answer(id);
    }
    await world.settle();
    await world.control.rollOut({ ...ASKED, revision: 2 });
    await world.settle();
    expect(world.control.state().live?.revision).toBe(2);
    expect(world.control.state().revisions.size).toBe(2);
  });
});

describe("who asks and why", () => {
  it("stand in the journal word for word", async () => {
    const world = await openLive();
    const reason = "INC-7: “canary” — 5 %\n<b>second</b> line ";
    await shift(world, 500, { by: "Zoë", reason });
    const body = world.store.events.map((event) => event.body).find(({ type }) => type === "rollout.started");
    expect(body).toMatchObject({ asked: { by: "Zoë", reason } });
  });

  it.each([
    ["no reason", { reason: " \n" }, "reason"],
    ["a reason that is none", { reason: "x".repeat(1_001) }, "reason"],
    ["nobody", { by: "" }, "by"],
    ["an endless key", { idempotencyKey: "k".repeat(201) }, "idempotencyKey"],
  ])("%s is refused", async (_, more, field) => {
    const world = await openLive();
    await expect(shift(world, 500, more)).rejects.toMatchObject({ code: "invalid", problems: [{ path: [field] }] });
  });
});

describe("asking twice", () => {
  it("with the same key does it once, and says what was done", async () => {
    const world = await openLive();
    const first = await publish(world, meshOf("two"), { idempotencyKey: "k" });
    const again = await publish(world, meshOf("two"), { idempotencyKey: "k" });
    expect(again.revision?.n).toBe(first.revision?.n);
    expect(again.rollout?.id).toBe(first.rollout?.id);
    expect(again.nodes).toEqual(first.nodes);
    expect(world.control.state().revisions.size).toBe(2);
    await world.restart();
    expect((await publish(world, meshOf("two"), { idempotencyKey: "k" })).rollout?.id).toBe(first.rollout?.id);
  });
});

describe("a key that was used for another request", () => {
  it("is refused, also after a restart: that request's answer is not this one's", async () => {
    const world = await openLive();
    await shift(world, 500, { idempotencyKey: "k" });
    await world.restart();
    const refused = { code: "invalid", problems: [{ path: ["idempotencyKey"], code: "bad-idempotency-key" }] };
    const before = seqOf(world);
    await expect(shift(world, 700, { idempotencyKey: "k" })).rejects.toMatchObject(refused);
    await expect(publish(world, meshOf("two"), { idempotencyKey: "k" })).rejects.toMatchObject(refused);
    await expect(world.control.rollback({ ...ASKED, idempotencyKey: "k" })).rejects.toMatchObject(refused);
    expect(seqOf(world)).toBe(before);
    expect((await shift(world, 500, { idempotencyKey: "k" })).rollout?.id).toBe("ro-1");
  });
});

describe("a dry run", () => {
  it("says what would be done, and does nothing", async () => {
    const world = await openLive();
    const before = seqOf(world);
    const effect = await publish(world, meshOf("two"), { dryRun: true });
    expect(effect).toMatchObject({
      nodes: ["edge-1", "edge-2", "edge-3"],
      revision: { n: 2 },
      rollout: { id: "ro-1", state: "applying", targets: [expect.any(String)] },
    });
    expect((await shift(world, 500, { dryRun: true })).rollout?.to.weights).toEqual({
      reviews: { v1: 9_500, v2: 500 },
    });
    expect((await world.control.rollback({ ...ASKED, to: 1, dryRun: true })).rollout).toBeUndefined();
    expect(seqOf(world)).toBe(before);
    expect(world.fleet.told("edge-1")).toHaveLength(1);
  });

  it("leaves nothing behind that the next revision of that number could be mistaken for", async () => {
    const world = await openLive();
    const dry = await publish(world, meshOf("dry"), { dryRun: true });
    expect(dry.revision?.n).toBe(2);
    await publish(world, meshOf("real"));
    await world.settle();
    expect(await world.control.mesh(2)).toEqual(meshOf("real"));
    const bytes = [...world.fleet.view("edge-1")!.snapshot.types.values()][0]!.resources.get("a")!.bytes;
    expect(new TextDecoder().decode(bytes)).toContain('"real"');
    expect(weights(world)).toEqual({ v1: 10_000, v2: 0 });
  });
});
