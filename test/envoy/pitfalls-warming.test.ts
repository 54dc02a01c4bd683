import { afterEach, describe, expect, test } from "vitest";
import { EXTENSION_CONFIG, SECRET } from "../../src/core/resource/type-url.ts";
import { SnapshotCache, snapshot } from "../../src/index.ts";
import { freeAddress } from "../../src/lab/addresses.ts";
import { startLoad } from "../../src/lab/load.ts";
import { http2Target } from "../../src/lab/target.ts";
import { envoy, eventually } from "./harness.ts";
import { DIALECTS, endWorlds, startPitfall } from "./pitfall-world.ts";
import { clusterOf, endpointsOf, listenerOf, routesOf, routeTo, type Source, sourceOf } from "./resources.ts";

afterEach(endWorlds);

const HOST = "127.0.0.1:9";
const EXTENSIONS = "type.googleapis.com/envoy.extensions";
const WARMING = { clusters: "cluster_manager.warming_clusters", listeners: "listener_manager.total_listeners_warming" };

/** A filter that adds a secret to each request, and for which its listener waits. */
const injector = (sds_config: Source) => ({
  name: "injector",
  typed_config: {
    "@type": `${EXTENSIONS}.filters.http.credential_injector.v3.CredentialInjector`,
    credential: {
      name: "envoy.http.injected_credentials.generic",
      typed_config: {
        "@type": `${EXTENSIONS}.http.injected_credentials.generic.v3.Generic`,
        credential: { name: "token", sds_config },
      },
    },
  },
});
const token = { "@type": SECRET, name: "token", generic_secret: { secret: { inline_string: "Bearer none" } } };

describe.skipIf("missing" in envoy).each(DIALECTS)("what a real Envoy warms, %s", (_dialect, transport) => {
  /** Where it comes from as well, but by a subscription of its own: Envoy shares those of one source and name. */
  const otherSource = sourceOf(transport, "120s");

  test("P39 cluster changed, endpoints unchanged: warming ends", async () => {
    const world = await startPitfall({ transport });
    await world.give(clusterOf("a", world.source, "5s"), endpointsOf("a", HOST));
    await world.give(clusterOf("a", world.source, "6s"), endpointsOf("a", HOST));
    expect(await world.clusters()).toMatchObject({ a: "6s" });
    expect(await world.stat(WARMING.clusters)).toBe(0);
    expect(await world.stat("cluster.a.membership_total")).toBe(1);
  });

  test("P40 listener changed, routes unchanged: warming ends", async () => {
    const world = await startPitfall({ transport });
    const address = await freeAddress();
    const routes = routesOf("more", routeTo("/", "base"));
    const by = (source: Source) => listenerOf({ name: "more", address, routes: { rds: "more", source } });
    await world.give(by(world.source), routes);
    await world.give(by(otherSource), routes);
    expect(await world.stat("listener_manager.listener_in_place_updated")).toBe(1);
    await world.statIs(WARMING.listeners, 0);
    expect(await world.stat("http.more.rds.more.init_fetch_timeout")).toBe(0);
  });

  test("P40 P70 a secret that comes late is no error and is taken, and a change of its listener does not wait for it again", async () => {
    const world = await startPitfall({ transport });
    const address = await freeAddress();
    const by = (source: Source) =>
      listenerOf({ name: "more", address, routes: [routeTo("/", "base")], filters: [injector(source)] });
    world.set([by(world.source)]);
    // Only in delta can a name be said not to be there; the listener then goes on, and the filter refuses requests.
    const waiting = transport.api === "GRPC" ? 1 : 0;
    await eventually(async () => (await world.stat("listener_manager.listener_added")) === 2, "the listener is there");
    for (let round = 0; round < 3; round += 1) await world.passes();
    expect(await world.stat(WARMING.listeners)).toBe(waiting);
    expect(world.nacks).toEqual([]);
    await world.give(by(world.source), token);
    await world.statIs(WARMING.listeners, 0);
    await world.give(by(otherSource), token);
    expect(await world.stat("listener_manager.listener_in_place_updated")).toBe(1);
    await world.statIs(WARMING.listeners, 0);
    const target = http2Target("more", `http://${address}`);
    expect(await target.request("/", { timeoutMs: 5_000 })).toMatchObject({ status: 200 });
    target.close();
  });

  test("P43 new clusters, their endpoints, and routes to them in one go: none waits for another's acknowledgement", async () => {
    const world = await startPitfall({ transport });
    const address = await freeAddress();
    await world.give(
      clusterOf("a", world.source),
      endpointsOf("a", world.upstream),
      listenerOf({ name: "more", address, routes: { rds: "more", source: world.source } }),
      routesOf("more", routeTo("/", "a")),
    );
    const target = http2Target("more", `http://${address}`);
    expect(await target.request("/", { timeoutMs: 5_000 })).toMatchObject({ status: 200, servedBy: "v1" });
    target.close();
  });

  test("P37 the configuration of a filter goes with its last user: no request is without it before", async () => {
    const world = await startPitfall({ transport });
    const address = await freeAddress();
    const cors = `${EXTENSIONS}.filters.http.cors.v3.Cors`;
    const found = { name: "found", config_discovery: { config_source: world.source, type_urls: [cors] } };
    const config = { "@type": EXTENSION_CONFIG, name: "found", typed_config: { "@type": cors } };
    const by = (filters: readonly (typeof found)[]) =>
      listenerOf({ name: "more", address, routes: [routeTo("/", "base")], filters });
    await world.give(by([found]), config);
    const target = http2Target("more", `http://${address}`);
    const load = startLoad({ targets: [target], path: "/", rate: 200 });
    await world.give(by([]));
    const discovery = "extension_config_discovery.http_filter.found";
    await eventually(
      async () => (await world.proxy.stats(`${discovery}.*update_success`)).size === 0,
      "it is given up",
    );
    const { failed, answered } = await load.stop();
    target.close();
    expect({ failed, some: answered > 0 }).toEqual({ failed: 0, some: true });
  });
});

describe.skipIf("missing" in envoy).each(DIALECTS)("a real Envoy and servers that end, %s", (_dialect, transport) => {
  const APPLIED = ["cluster_manager.cds", "listener_manager.lds", "http.edge.rds.routes"];

  test("P11 P21 P42 a new process with the same content: nothing is applied again, and what is new is taken", async () => {
    const world = await startPitfall({ transport });
    const a = [clusterOf("a", world.source), endpointsOf("a", HOST)];
    await world.give(...a);
    const reloads = async () => await Promise.all(APPLIED.map((name) => world.stat(`${name}.config_reload`)));
    const before = await reloads();
    const content = world.cache.get("") ?? snapshot({ resources: [] });
    await world.goAway();
    const cache = new SnapshotCache();
    cache.set("", content);
    await world.comeBack(cache);
    await world.isBack();
    const states = Object.values(world.cache.nodes("")[0]?.types ?? {}).map(({ state }) => state);
    expect(states).toEqual(["SYNCED", "SYNCED", "SYNCED", "SYNCED"]);
    expect(await reloads()).toEqual(before);
    await world.give(a[0] ?? {}, endpointsOf("a", HOST, "127.0.0.1:10"), clusterOf("b", [HOST]));
    await world.passes();
    expect(await world.stat("cluster.a.membership_total")).toBe(2);
    expect(Object.keys(await world.clusters()).sort()).toEqual(["a", "b", "base"]);
  });

  test("P32 what is removed while there is no server goes when there is one again", async () => {
    const world = await startPitfall({ transport, first: () => [clusterOf("a", [HOST]), clusterOf("b", [HOST])] });
    await world.goAway();
    world.set([clusterOf("b", [HOST])]);
    await world.comeBack(world.cache);
    await world.isBack();
    await eventually(async () => !("a" in (await world.clusters())), "the cluster has gone");
    expect(Object.keys(await world.clusters()).sort()).toEqual(["b", "base"]);
  });

  test("P64 P65 P66 a server that knows nothing yet says nothing; it names itself, and a node that starts anew gets all", async () => {
    const world = await startPitfall({ transport, first: () => [clusterOf("a", [HOST])] });
    expect((await world.proxy.stats("^control_plane.identifier$")).get("control_plane.identifier")).toBe("belay");
    const content = world.cache.get("") ?? snapshot({ resources: [] });
    const reloads = async () => await Promise.all(APPLIED.map((name) => world.stat(`${name}.config_reload`)));
    const before = await reloads();
    await world.goAway();
    await world.comeBack(new SnapshotCache());
    await eventually(() => Object.keys(world.cache.nodes("")[0]?.types ?? {}).length >= 3, "the Envoy has asked");
    world.cache.set("", content);
    await world.isBack();
    expect(await reloads()).toEqual(before);
    expect(await world.stat("cluster_manager.cluster_removed")).toBe(0);
    await world.proxy.stop();
    await eventually(() => world.cache.nodes("")[0]?.connected === false, "the Envoy has gone");
    await world.startEnvoy();
    expect(Object.keys(await world.clusters()).sort()).toEqual(["a", "base"]);
  });
});

describe.skipIf("missing" in envoy).each(DIALECTS.filter(([, { api }]) => api === "GRPC"))(
  "a real Envoy that is still warming, %s",
  (_dialect, transport) => {
    test("P41 a cluster that warmed when the server ended is warm once there is a server again", async () => {
      const world = await startPitfall({ transport });
      world.set([clusterOf("a", world.source)]);
      await world.statIs(WARMING.clusters, 1);
      await world.goAway();
      world.set([clusterOf("a", world.source), endpointsOf("a", HOST)]);
      await world.comeBack(world.cache);
      await world.isBack();
      await world.statIs(WARMING.clusters, 0);
      expect(await world.stat("cluster.a.membership_total")).toBe(1);
    });
  },
);
