import { afterEach, describe, expect, test } from "vitest";
import { CLUSTER, EXTENSION_CONFIG, RUNTIME, SECRET } from "../../src/core/resource/type-url.ts";
import { freeAddress } from "../../src/lab/addresses.ts";
import { envoy, eventually } from "./harness.ts";
import { DIALECTS, endWorlds, startPitfall } from "./pitfall-world.ts";
import { clusterOf, endpointsOf, listenerOf, routeTo, socketAddress, sourceOf } from "./resources.ts";

afterEach(endWorlds);

const HOST = "127.0.0.1:9";
const MIB = 1024 * 1024;
const EXTENSIONS = "type.googleapis.com/envoy.extensions";
const THRIFT = `${EXTENSIONS}.filters.network.thrift_proxy.v3`;

describe.skipIf("missing" in envoy).each(DIALECTS)("a real Envoy with much, %s", (_dialect, transport) => {
  test("P61 names of more than 4 MiB are taken from an Envoy that comes back", async () => {
    const world = await startPitfall({ transport });
    const names = Array.from({ length: 600 }, (_, index) => `c${index}-${"n".repeat(7_500)}`);
    const all = names.flatMap((name) => [clusterOf(name, world.source), endpointsOf(name, HOST)]);
    await world.give(...all);
    await world.goAway();
    const sent = async () => await world.stat("cluster.xds.upstream_cx_tx_bytes_total");
    const before = await sent();
    await world.comeBack(world.cache);
    await world.isBack();
    expect((await sent()) - before).toBeGreaterThan(4 * MIB);
    await world.give(...all, clusterOf("one-more", [HOST]));
    expect(await world.clusters()).toHaveProperty("one-more");
  });

  test("P50 P52 eight types at once, one of which the server knows nothing of, are all taken", async () => {
    const rtds_config = sourceOf(transport, "0s");
    const layered_runtime = { layers: [{ name: "rtds", rtds_layer: { name: "runtime", rtds_config } }] };
    const runtime = { "@type": RUNTIME, name: "runtime", layer: { "belay.test": 1 } };
    const world = await startPitfall({ transport, first: () => [runtime], bootstrap: { more: { layered_runtime } } });
    const cors = `${EXTENSIONS}.filters.http.cors.v3.Cors`;
    const found = { name: "found", config_discovery: { config_source: world.source, type_urls: [cors] } };
    const credential = { name: "token", sds_config: world.source };
    const generic = { "@type": `${EXTENSIONS}.http.injected_credentials.generic.v3.Generic`, credential };
    const injector = {
      "@type": `${EXTENSIONS}.filters.http.credential_injector.v3.CredentialInjector`,
      credential: { name: "envoy.http.injected_credentials.generic", typed_config: generic },
    };
    const trds = { config_source: world.source, route_config_name: "thrift" };
    const thrift = { "@type": `${THRIFT}.ThriftProxy`, stat_prefix: "thrift", trds };
    const filters = [found, { name: "injector", typed_config: injector }];
    await world.give(
      runtime,
      clusterOf("a", world.source),
      endpointsOf("a", HOST),
      listenerOf({ name: "http", address: await freeAddress(), routes: [routeTo("/", "a")], filters }),
      { "@type": EXTENSION_CONFIG, name: "found", typed_config: { "@type": cors } },
      { "@type": SECRET, name: "token", generic_secret: { secret: { inline_string: "none" } } },
      {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        name: "thrift",
        address: socketAddress(await freeAddress()),
        filter_chains: [{ filters: [{ name: "thrift", typed_config: thrift }] }],
      },
      { "@type": `${THRIFT}.RouteConfiguration`, name: "thrift" },
    );
    await world.statIs("listener_manager.total_listeners_warming", 0);
    const types = Object.values(world.cache.nodes("")[0]?.types ?? {}).map(({ state }) => state);
    expect(types).toEqual(Array.from({ length: 8 }, () => "SYNCED"));
  });
});

describe.skipIf("missing" in envoy).each(DIALECTS.filter(([, { api }]) => api === "DELTA_GRPC"))(
  "a real Envoy that takes no more than 4 MiB at once, %s",
  (_dialect, transport) => {
    test("P62 ten megabytes of clusters come in portions", async () => {
      const world = await startPitfall({ transport, bootstrap: { maxReceiveBytes: 4 * MIB } });
      const metadata = { filter_metadata: { belay: { much: "x".repeat(256 * 1024) } } };
      const names = Array.from({ length: 40 }, (_, index) => `big-${index}`);
      const before = world.ackCount(CLUSTER);
      await world.give(...names.map((name) => ({ ...clusterOf(name, [HOST]), metadata })));
      expect(Object.keys(await world.clusters())).toHaveLength(41);
      expect(world.ackCount(CLUSTER) - before).toBeGreaterThanOrEqual(3);
      await eventually(
        async () => (await world.stat("control_plane.connected_state")) === 1,
        "the stream is still there",
      );
    });
  },
);
