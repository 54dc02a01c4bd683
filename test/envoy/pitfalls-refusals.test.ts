import { afterEach, describe, expect, test } from "vitest";
import { CLUSTER, ENDPOINTS } from "../../src/core/resource/type-url.ts";
import type { ResourceInput } from "../../src/index.ts";
import { freeAddress } from "../../src/lab/addresses.ts";
import { envoy } from "./harness.ts";
import { DIALECTS, endWorlds, startPitfall } from "./pitfall-world.ts";
import { clusterOf, endpointsOf, listenerOf, routesOf, routeTo } from "./resources.ts";

afterEach(endWorlds);

/** Valid, and refused: it picks its protocol by TLS and has none. */
const refused = (name: string): ResourceInput => ({
  ...clusterOf(name, ["127.0.0.1:9"]),
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      auto_config: {},
    },
  },
});

const REJECTED = "cluster_manager.cds.update_rejected";

describe.skipIf("missing" in envoy).each(DIALECTS)("what a real Envoy refuses, %s", (_dialect, transport) => {
  test("P01 P02 a refused response is not sent again, whatever else is", async () => {
    const world = await startPitfall({ transport });
    await world.give(refused("x"));
    for (let round = 0; round < 5; round += 1) await world.passes();
    expect(await world.stat(REJECTED)).toBe(1);
    expect(world.nacks.map(({ typeUrl }) => typeUrl)).toEqual([CLUSTER]);
    expect(world.cache.nodes("")[0]?.types[CLUSTER]?.state).toBe("ERROR");
  });

  test("P03 the first response is refused: it is sent once, and its fix is taken", async () => {
    const world = await startPitfall({ transport, first: () => [refused("x")], holdMs: 100 });
    for (let round = 0; round < 5; round += 1) await world.passes();
    expect(await world.stat(REJECTED)).toBe(1);
    await world.give(clusterOf("x", ["127.0.0.1:9"], "3s"));
    expect(await world.clusters()).toMatchObject({ x: "3s" });
    expect(await world.stat(REJECTED)).toBe(1);
  });

  test("P04 P07 what was refused is not held for delivered: going back is sent, and so is the fix", async () => {
    const world = await startPitfall({ transport, first: () => [clusterOf("x", ["127.0.0.1:9"], "3s")] });
    const taken = async () => await world.stat("cluster_manager.cds.update_success");
    const before = await taken();
    await world.give(refused("x"));
    expect(await world.clusters()).toMatchObject({ x: "3s" });
    await world.give(clusterOf("x", ["127.0.0.1:9"], "3s"));
    expect(await taken()).toBe(before + 1);
    expect(world.cache.nodes("")[0]?.types[CLUSTER]?.state).toBe("SYNCED");
    await world.give(refused("x"));
    await world.give(clusterOf("x", ["127.0.0.1:9"], "4s"));
    expect(await world.clusters()).toMatchObject({ x: "4s" });
    expect(await world.stat(REJECTED)).toBe(2);
  });

  test("P05 the first answer to a name is refused: not sent again until it changes", async () => {
    const address = await freeAddress();
    const twice = {
      ...routesOf("more", routeTo("/", "base")),
      virtual_hosts: ["a", "b"].map((name) => ({ name, domains: ["*"] })),
    };
    const world = await startPitfall({ transport });
    const listener = listenerOf({ name: "more", address, routes: { rds: "more", source: world.source } });
    await world.give(listener, twice);
    for (let round = 0; round < 5; round += 1) await world.passes(CLUSTER);
    expect(await world.stat("http.more.rds.more.update_rejected")).toBe(1);
    await world.give(listener, routesOf("more", routeTo("/", "base")));
    expect(await world.stat("http.more.rds.more.update_success")).toBe(1);
    await world.statIs("listener_manager.total_listeners_warming", 0);
  });

  test("P06 names that are asked for while others are refused are answered", async () => {
    const world = await startPitfall({ transport });
    const [a, b] = [clusterOf("a", world.source), clusterOf("b", world.source)];
    await world.give(a, endpointsOf("a", "127.0.0.1:9"));
    // An address that is none: only Envoy finds that.
    await world.give(a, endpointsOf("a", "localhost:9"));
    expect(world.nacks.map(({ typeUrl }) => typeUrl)).toEqual([ENDPOINTS]);
    await world.give(a, endpointsOf("a", "localhost:9"), b, endpointsOf("b", "127.0.0.1:9", "127.0.0.1:10"));
    await world.statIs("cluster.b.membership_total", 2);
    expect(await world.stat("cluster.a.membership_total")).toBe(1);
    expect(world.nacks).toHaveLength(1);
  });
});
