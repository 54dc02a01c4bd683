import { afterEach, describe, expect, test } from "vitest";
import { CLUSTER, ENDPOINTS } from "../../src/core/resource/type-url.ts";
import { envoy, eventually } from "./harness.ts";
import { DIALECTS, endWorlds, startPitfall } from "./pitfall-world.ts";
import { clusterOf, endpointsOf, sourceOf } from "./resources.ts";

afterEach(endWorlds);

const HOST = "127.0.0.1:9";
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe.skipIf("missing" in envoy).each(DIALECTS)("what a real Envoy asks for, %s", (_dialect, transport) => {
  test("P17 P36 names are added under an unchanged version: they are answered", async () => {
    const world = await startPitfall({ transport });
    const all = [clusterOf("a", world.source), endpointsOf("a", HOST), endpointsOf("b", HOST)];
    await world.give(...all);
    const version = world.cache.get("")?.version(ENDPOINTS);
    await world.give(...all, clusterOf("b", world.source));
    expect(world.cache.get("")?.version(ENDPOINTS)).toBe(version);
    expect(await world.stat("cluster.b.membership_total")).toBe(1);
  });

  test("P18 P30 P36 a name that is missing keeps no other back, is not told of again and again, and comes when it is there", async () => {
    const world = await startPitfall({ transport });
    const missing = clusterOf("missing", sourceOf(transport, "0.5s"));
    const there = [clusterOf("there", world.source), endpointsOf("there", HOST), missing];
    await world.give(...there);
    expect(await world.stat("cluster.there.membership_total")).toBe(1);
    const acked = world.ackCount(ENDPOINTS);
    for (let round = 0; round < 5; round += 1) await world.passes();
    expect(world.ackCount(ENDPOINTS)).toBe(acked);
    await world.give(...there, endpointsOf("missing", HOST));
    await world.statIs("cluster.missing.membership_total", 1);
  });

  test("P19 each of twelve changes is taken", async () => {
    const world = await startPitfall({ transport });
    const hosts = Array.from({ length: 12 }, (_, index) => `127.0.0.1:${9 + index}`);
    for (const [index] of hosts.entries()) {
      await world.give(clusterOf("a", world.source), endpointsOf("a", ...hosts.slice(0, index + 1)));
      expect(await world.stat("cluster.a.membership_total")).toBe(index + 1);
    }
    expect(await world.stat("cluster.a.update_success")).toBe(12);
  });

  test("P10 P12 P20 names that change while responses are on their way are all answered in the end", async () => {
    const world = await startPitfall({ transport });
    const some = (round: number) =>
      [round, round + 1, round + 2].flatMap((index) => [
        clusterOf(`c${index}`, world.source),
        endpointsOf(`c${index}`, ...(round % 2 === 0 ? [HOST] : [HOST, "127.0.0.1:10"])),
      ]);
    for (let round = 0; round < 40; round += 1) {
      world.set(some(round));
      await nextTurn();
    }
    await world.give(...some(41));
    for (const name of ["c41", "c42", "c43"]) expect(await world.stat(`cluster.${name}.membership_total`)).toBe(2);
    expect(world.nacks).toEqual([]);
    await eventually(
      async () =>
        Object.keys(await world.clusters())
          .sort()
          .join() === "base,c41,c42,c43",
      "only the last",
    );
  });

  test("P16 P22 P33 who has given up the last name is sent nothing more of the type", async () => {
    const world = await startPitfall({ transport });
    await world.give(clusterOf("a", world.source), endpointsOf("a", HOST));
    await world.give(endpointsOf("a", HOST));
    await eventually(async () => !("a" in (await world.clusters())), "the cluster has gone");
    const bytes = async () => await world.stat("cluster.xds.upstream_cx_rx_bytes_total");
    await world.passes();
    const before = await bytes();
    const many = Array.from({ length: 500 }, (_, index) => `127.0.0.1:${10_000 + index}`);
    world.set([endpointsOf("a", ...many)]);
    await world.passes();
    await eventually(async () => (await bytes()) > before, "the routes have come");
    // Some 10,000 bytes would have come.
    expect((await bytes()) - before).toBeLessThan(2_000);
  });

  test("P26 P46 a cluster that comes back under its name is given its endpoints again", async () => {
    const world = await startPitfall({ transport });
    const all = [clusterOf("a", world.source), endpointsOf("a", HOST)];
    for (let round = 0; round < 3; round += 1) {
      await world.give(...all);
      expect(await world.stat("cluster.a.membership_total")).toBe(1);
      await world.give(endpointsOf("a", HOST));
      await eventually(async () => !("a" in (await world.clusters())), "the cluster has gone");
    }
  });

  test("P28 P29 empty sets of clusters and listeners are answered: the start ends without a time-out", async () => {
    const world = await startPitfall({ transport, bare: true });
    await world.proxy.ready();
    expect(await world.stat("cluster_manager.cds.update_success")).toBe(1);
    expect(await world.stat("listener_manager.lds.update_success")).toBe(1);
  });

  test("P34 P35 what only goes is told, and what did not change is kept", async () => {
    const world = await startPitfall({ transport, first: () => [clusterOf("a", [HOST]), clusterOf("b", [HOST])] });
    const added = await world.stat("cluster_manager.cluster_added");
    await world.give(clusterOf("b", [HOST]));
    await eventually(async () => !("a" in (await world.clusters())), "the cluster has gone");
    expect(Object.keys(await world.clusters()).sort()).toEqual(["b", "base"]);
    expect(await world.stat("cluster_manager.cluster_removed")).toBe(1);
    expect(await world.stat("cluster_manager.cluster_added")).toBe(added);
  });

  test("P47 P48 endpoints of one cluster change: the others' hosts stay, and nothing else is sent", async () => {
    const world = await startPitfall({ transport });
    const clusters = [clusterOf("a", world.source), clusterOf("b", world.source)];
    await world.give(...clusters, endpointsOf("a", HOST), endpointsOf("b", HOST));
    const others = ["cluster_manager.cds", "listener_manager.lds", "http.edge.rds.routes", "cluster.b"];
    const updates = async () => await Promise.all(others.map((name) => world.stat(`${name}.update_success`)));
    const before = await updates();
    await world.give(...clusters, endpointsOf("a", HOST, "127.0.0.1:10"), endpointsOf("b", HOST));
    expect(await world.stat("cluster.a.membership_total")).toBe(2);
    expect(await world.stat("cluster.b.membership_total")).toBe(1);
    expect(await updates()).toEqual(before);
  });

  test("P63 two hundred names are asked for at once: answered in a few responses", async () => {
    const world = await startPitfall({ transport });
    const names = Array.from({ length: 200 }, (_, index) => `c${index}`);
    await world.give(...names.flatMap((name) => [clusterOf(name, world.source), endpointsOf(name, HOST)]));
    expect(Object.keys(await world.clusters())).toHaveLength(201);
    expect(world.ackCount(ENDPOINTS)).toBeLessThanOrEqual(5);
  });

  test("P71 an Envoy that takes nothing for a while gets the newest of a hundred changes, not all", async () => {
    const world = await startPitfall({ transport });
    const before = world.ackCount(CLUSTER);
    process.kill(world.proxy.pid, "SIGSTOP");
    for (let round = 1; round <= 100; round += 1) {
      world.set([clusterOf("a", [HOST], `${round}s`)]);
      await nextTurn();
    }
    process.kill(world.proxy.pid, "SIGCONT");
    await world.give(clusterOf("a", [HOST], "100s"));
    expect(await world.clusters()).toMatchObject({ a: "100s" });
    expect(world.ackCount(CLUSTER) - before).toBeLessThanOrEqual(2);
  });
});
