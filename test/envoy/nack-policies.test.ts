import { afterEach, describe, expect, test } from "vitest";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import type { NackEvent, OnNack, ResourceInput } from "../../src/index.ts";
import { SnapshotCache, snapshot, XdsServer } from "../../src/index.ts";
import { freeAddress } from "../../src/lab/addresses.ts";
import { Lifetimes } from "../../src/lab/lifetimes.ts";
import { startLoad } from "../../src/lab/load.ts";
import { http2Target } from "../../src/lab/target.ts";
import { startUpstream } from "../../src/lab/upstream.ts";
import type { RunningEnvoy } from "../../src/proxy/run-envoy.ts";
import { startRelay } from "../grpc-xds/relay.ts";
import { clustersOf } from "./engine.ts";
import { envoy } from "./harness.ts";
import { clusterOf, endpointsOf, listenerOf, routesOf, routeTo, type Source, sourceOf } from "./resources.ts";
import { give, startProxy } from "./served-envoy.ts";

/** Envoy refuses a cluster with it: it picks its protocol by TLS and has none. */
const BAD = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      auto_config: {},
    },
  },
};

/** A filter that refuses to be made: it has a script that cannot be parsed. */
const UNPARSABLE = {
  "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
  default_source_code: { inline_string: "this is no Lua" },
};

/** The next stream of a node. */
function connected(server: XdsServer): Promise<void> {
  return new Promise((resolve) => {
    const listener = (): void => {
      server.off("connect", listener);
      resolve();
    };
    server.on("connect", listener);
  });
}

/** Requests a second to each of the two clusters that have traffic. */
const RATE = 50;

let life = new Lifetimes();
afterEach(async () => {
  await life.close();
  life = new Lifetimes();
});

describe.skipIf("missing" in envoy).each([
  ["state of the world", "GRPC"],
  ["delta", "DELTA_GRPC"],
] as const)("one bad cluster among good changes, under load, %s", (_dialect, api) => {
  const transport = { ads: true, api };
  const source: Source = sourceOf(transport);

  interface World {
    readonly cache: SnapshotCache;
    readonly server: XdsServer;
    readonly nacks: readonly NackEvent[];
    readonly proxy: RunningEnvoy;
    /** These clusters, with their time-outs in seconds, and what traffic to `steady` and `victim` takes. */
    readonly scene: (clusters: Readonly<Record<string, number | "bad">>) => ResourceInput[];
    /** Cuts the connection of xDS. */
    readonly cut: () => void;
    /** Stops the load, and says what failed of it. */
    readonly stop: () => Promise<{ failed: number; isSent: boolean }>;
  }

  async function start(onNack: OnNack): Promise<World> {
    const cache = new SnapshotCache();
    const server = await life.add(Promise.resolve(new XdsServer({ cache, onNack })), (one) => one.close());
    const nacks: NackEvent[] = [];
    server.on("nack", (event) => nacks.push(event));
    const { port } = await server.listen("127.0.0.1:0");
    const relay = await life.add(startRelay(), (one) => one.close());
    relay.lead(port);
    const upstream = await life.add(startUpstream({ version: "v1" }), (one) => one.close());
    const address = await freeAddress();
    const scene: World["scene"] = (clusters) => [
      ...Object.entries(clusters).flatMap(([name, seconds]) => {
        const cluster = clusterOf(name, source, seconds === "bad" ? "9s" : `${seconds}s`);
        return [seconds === "bad" ? { ...cluster, ...BAD } : cluster, endpointsOf(name, upstream.address)];
      }),
      listenerOf({ name: "edge", address, routes: { rds: "routes", source } }),
      routesOf("routes", routeTo("/victim", "victim"), routeTo("/", "steady")),
    ];
    cache.set("", snapshot({ resources: scene({ steady: 5, victim: 5 }) }));
    const proxy = await startProxy(life, { envoy, id: "edge-1", transport, xds: `127.0.0.1:${relay.port}` });
    await proxy.ready();
    await give(cache, scene({ steady: 5, victim: 5 }));
    const target = http2Target("edge-1", `http://${address}`, 2);
    await life.add(Promise.resolve(target), (one) => one.close());
    const loads = ["/victim", "/"].map((path) => startLoad({ targets: [target], path, rate: RATE }));
    for (const load of loads) await life.add(Promise.resolve(load), (one) => void one.stop());
    const stop = async () => {
      const counts = await Promise.all(loads.map((load) => load.stop()));
      const failed = counts.reduce((sum, count) => sum + count.failed, 0);
      return { failed, isSent: counts.every(({ answered }) => answered > 0) };
    };
    return { cache, server, nacks, proxy, scene, stop, cut: () => relay.cut() };
  }

  const refusedOf = (cache: SnapshotCache) =>
    cache
      .nodes("")[0]
      ?.types[CLUSTER]?.refused?.map(({ name, is }) => `${name} ${is}`)
      .toSorted();

  test("P09 quarantine: the good ones are applied, the bad one keeps its last content, a new bad one is not there", async () => {
    const { cache, proxy, scene, stop } = await start("quarantine");
    await give(cache, scene({ steady: 7, victim: "bad", new: 5, "new-and-bad": "bad" }));
    expect(await cache.converged("")).toEqual({ acked: [], refused: ["edge-1"], pending: [] });
    expect(await clustersOf(proxy)).toEqual({ steady: "7s", victim: "5s", new: "5s" });
    expect(refusedOf(cache)).toEqual(["new-and-bad quarantined", "victim quarantined"]);
    // What is good goes on being sent, and the bad one is not.
    await give(cache, scene({ steady: 8, victim: "bad", new: 6, "new-and-bad": "bad" }));
    expect(await clustersOf(proxy)).toEqual({ steady: "8s", victim: "5s", new: "6s" });
    await give(cache, scene({ steady: 8, victim: 6, new: 6, "new-and-bad": 5 }));
    expect(await cache.converged("")).toEqual({ acked: ["edge-1"], refused: [], pending: [] });
    expect(await clustersOf(proxy)).toEqual({ steady: "8s", victim: "6s", new: "6s", "new-and-bad": "5s" });
    expect(await stop()).toEqual({ failed: 0, isSent: true });
  });

  test("N15 rollback: everything is as it was before, also what was good in the refused response", async () => {
    const { cache, proxy, scene, stop } = await start("rollback");
    await give(cache, scene({ steady: 7, victim: "bad", new: 5 }));
    expect(await cache.converged("")).toEqual({ acked: [], refused: ["edge-1"], pending: [] });
    expect(await clustersOf(proxy)).toEqual({ steady: "5s", victim: "5s" });
    expect(refusedOf(cache)).toEqual(["new rolledBack", "steady rolledBack", "victim rolledBack"]);
    await give(cache, scene({ steady: 7, victim: 6, new: 5 }));
    expect(await cache.converged("")).toEqual({ acked: ["edge-1"], refused: [], pending: [] });
    expect(await clustersOf(proxy)).toEqual({ steady: "7s", victim: "6s", new: "5s" });
    expect(await stop()).toEqual({ failed: 0, isSent: true });
  });

  test.each([
    ["quarantine", { steady: "7s", victim: "5s", new: "5s" }],
    ["rollback", { steady: "5s", victim: "5s" }],
  ] as const)(
    "N15 %s goes on over streams that end and begin again: nothing bad is tried again",
    async (onNack, kept) => {
      const { cache, server, nacks, proxy, scene, stop, cut } = await start(onNack);
      await give(cache, scene({ steady: 7, victim: "bad", new: 5 }));
      await refusedFor(cache);
      expect(await clustersOf(proxy)).toEqual(kept);
      const before = nacks.length;
      for (let streams = 0; streams < 3; streams += 1) {
        const next = connected(server);
        cut();
        await next;
      }
      await refusedFor(cache);
      expect(await clustersOf(proxy)).toEqual(kept);
      expect(nacks).toHaveLength(before);
      await give(cache, scene({ steady: 7, victim: 6, new: 5 }));
      expect(await cache.converged("")).toEqual({ acked: ["edge-1"], refused: [], pending: [] });
      expect(await clustersOf(proxy)).toEqual({ steady: "7s", victim: "6s", new: "5s" });
      expect(await stop()).toEqual({ failed: 0, isSent: true });
    },
  );

  test("N7 of several bad ones whose dumps fill the words, one is named after the other, and all end in quarantine", async () => {
    const { cache, nacks, proxy, scene, stop } = await start("quarantine");
    const many = Array.from({ length: 60 }, (_, index) => `127.0.0.1:${2_000 + index}`);
    const large = ["large-1", "large-2", "large-3"].map((name) => ({ ...clusterOf(name, many), ...BAD }));
    await give(cache, [...scene({ steady: 7, victim: 5 }), ...large]);
    await refusedFor(cache);
    expect(await clustersOf(proxy)).toEqual({ steady: "7s", victim: "5s" });
    expect(refusedOf(cache)).toEqual(["large-1", "large-2", "large-3"].map((name) => `${name} quarantined`));
    expect(nacks.length).toBeLessThanOrEqual(large.length);
    expect(await stop()).toEqual({ failed: 0, isSent: true });
  });

  test("N5 a bad listener beside a good one is left out, and the good one opens", async () => {
    const { cache, proxy, scene, stop } = await start("quarantine");
    const addresses = [await freeAddress(), await freeAddress()];
    const inline = (name: string, address: string, filters: readonly Readonly<Record<string, unknown>>[]) =>
      listenerOf({ name, address, routes: [routeTo("/", "steady")], filters });
    const bad = [{ name: "lua", typed_config: UNPARSABLE }];
    const listeners = [inline("more", addresses[0] ?? "", []), inline("bad", addresses[1] ?? "", bad)];
    await give(cache, [...scene({ steady: 5, victim: 5 }), ...listeners]);
    await refusedFor(cache);
    const target = http2Target("more", `http://${addresses[0]}`, 1);
    expect((await target.request("/", { timeoutMs: 10_000 })).status).toBe(200);
    target.close();
    expect([...(await proxy.stats("^listener_manager\\.total_listeners_active$")).values()]).toEqual([2n]);
    expect(await stop()).toEqual({ failed: 0, isSent: true });
  });

  /** Told by events: the time is over long after the test's own. */
  async function refusedFor(cache: SnapshotCache): Promise<void> {
    const { refused, pending } = await cache.converged("", { timeoutMs: 600_000 });
    expect({ refused, pending }).toEqual({ refused: ["edge-1"], pending: [] });
  }
});
