import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import { unreadyControlPlane } from "../../src/control/unready.ts";
import { emptyState } from "../../src/core/journal/fold.ts";
import { createMeshReader } from "../../src/file/mesh-reader.ts";
import { builtCodec } from "../../src/file/schema-set.ts";
import { createHttpServer } from "../../src/http/server.ts";
import { freeAddress } from "../../src/lab/addresses.ts";
import { startLoad } from "../../src/lab/load.ts";
import { http2Target } from "../../src/lab/target.ts";
import { startUpstream } from "../../src/lab/upstream.ts";
import type { ResourceInput } from "../../src/library/resource-input.ts";
import { snapshot } from "../../src/library/snapshot.ts";
import { SnapshotCache } from "../../src/library/snapshot-cache.ts";
import { XdsServer } from "../../src/library/xds-server.ts";
import { findEnvoy } from "../../src/proxy/find-envoy.ts";
import { runEnvoy } from "../../src/proxy/run-envoy.ts";
import { settingsWith } from "../control/settings.ts";

// An Envoy without ADS: a stream of its own for clusters, for listeners, for each cluster's endpoints and for the routes.

const envoy = await findEnvoy();
const TYPES = "type.googleapis.com/envoy";
const CONVERGED_MS = 20_000;

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Api = "GRPC" | "DELTA_GRPC" | "REST";

const sourceOf = (api_type: Api) => ({
  resource_api_version: "V3",
  initial_fetch_timeout: "5s",
  api_config_source: {
    api_type,
    transport_api_version: "V3",
    ...(api_type === "REST"
      ? { cluster_names: ["xds"], refresh_delay: "0.1s", request_timeout: "5s" }
      : { grpc_services: [{ envoy_grpc: { cluster_name: "xds" } }] }),
  },
});

const socketAddress = (text: string) => {
  const [address, port] = text.split(":");
  return { socket_address: { address, port_value: Number(port) } };
};

const HTTP2 = {
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": `${TYPES}.extensions.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http2_protocol_options: {} },
  },
};

function bootstrapOf(api: Api, xds: string) {
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: socketAddress(xds) } }] }];
  return {
    node: { id: "separate-1", cluster: "edge" },
    admin: { address: socketAddress("127.0.0.1:0") },
    dynamic_resources: { cds_config: sourceOf(api), lds_config: sourceOf(api) },
    static_resources: {
      clusters: [
        {
          name: "xds",
          connect_timeout: "1s",
          load_assignment: { cluster_name: "xds", endpoints },
          ...(api === "REST" ? {} : { typed_extension_protocol_options: HTTP2 }),
        },
      ],
    },
  };
}

interface World {
  readonly api: Api;
  readonly listen: string;
  readonly upstream: string;
}

/** Everything that the Envoy has when its route leads to this cluster; `variant` changes the cluster in place. */
function resourcesOf({ api, listen, upstream }: World, cluster: string, variant: number): ResourceInput[] {
  const router = { name: "router", typed_config: { "@type": `${TYPES}.extensions.filters.http.router.v3.Router` } };
  const manager = {
    "@type": `${TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "edge",
    codec_type: "HTTP2",
    http_filters: [router],
    rds: { route_config_name: "routes", config_source: sourceOf(api) },
  };
  return [
    {
      "@type": `${TYPES}.config.cluster.v3.Cluster`,
      name: cluster,
      type: "EDS",
      connect_timeout: `${5 + variant}s`,
      eds_cluster_config: { eds_config: sourceOf(api) },
      typed_extension_protocol_options: HTTP2,
    },
    {
      "@type": `${TYPES}.config.endpoint.v3.ClusterLoadAssignment`,
      cluster_name: cluster,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(upstream) } }] }],
    },
    {
      "@type": `${TYPES}.config.listener.v3.Listener`,
      name: "edge",
      address: socketAddress(listen),
      filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
    },
    {
      "@type": `${TYPES}.config.route.v3.RouteConfiguration`,
      name: "routes",
      virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster } }] }],
    },
  ];
}

describe.skipIf("missing" in envoy)("an Envoy that uses a service for each type", () => {
  test.each(["GRPC", "DELTA_GRPC"] as const)(
    "P44 P45 %s: clusters replaced and changed thirty times under load, not one failed request",
    async (api) => {
      if ("missing" in envoy) return;
      const dir = await mkdtemp(join(tmpdir(), "belay-services-"));
      closers.push(() => rm(dir, { recursive: true, force: true }));
      const upstream = await startUpstream({ version: "v1" });
      closers.push(() => upstream.close());
      const world = { api, listen: await freeAddress(), upstream: upstream.address };
      const cache = new SnapshotCache();
      const server = new XdsServer({ cache });
      const nacks: string[] = [];
      server.on("nack", ({ error }) => nacks.push(error));
      closers.push(() => server.close());
      const { port } = await server.listen("127.0.0.1:0");
      cache.set("", snapshot({ resources: resourcesOf(world, "c-0", 0) }));
      const running = await runEnvoy({ binary: envoy.path, bootstrap: bootstrapOf(api, `127.0.0.1:${port}`), dir });
      closers.push(() => running.stop());
      await running.ready();
      expect(await cache.converged("", { timeoutMs: CONVERGED_MS })).toEqual({
        acked: ["separate-1"],
        refused: [],
        pending: [],
      });

      const target = http2Target("separate-1", `http://${world.listen}`);
      closers.push(() => target.close());
      const load = startLoad({ targets: [target], path: "/", rate: 200 });
      closers.push(() => load.stop());
      for (let round = 1; round <= 30; round += 1) {
        // Odd rounds lead to a new cluster and drop the old one; even ones change the new one in place, which warms it again.
        const cluster = `c-${Math.ceil(round / 2)}`;
        cache.set("", snapshot({ resources: resourcesOf(world, cluster, round % 2 === 0 ? 1 : 0) }));
        const { pending } = await cache.converged("", { timeoutMs: CONVERGED_MS });
        expect(pending, `round ${round}`).toEqual([]);
      }
      const counts = await load.stop();
      expect(nacks).toEqual([]);
      expect(counts.firstFailure).toBeUndefined();
      expect(counts.answered).toBe(counts.sent);
      // What the last round dropped is taken away after its grace: that is not waited for above.
      const states = (): string[] => Object.values(cache.nodes("")[0]?.types ?? {}).map(({ state }) => state);
      await expect.poll(states, { timeout: CONVERGED_MS }).toEqual(["SYNCED", "SYNCED", "SYNCED", "SYNCED"]);
    },
  );

  test("P68 REST: polls get what is new, and take a change", async () => {
    if ("missing" in envoy) return;
    const dir = await mkdtemp(join(tmpdir(), "belay-services-"));
    closers.push(() => rm(dir, { recursive: true, force: true }));
    const upstream = await startUpstream({ version: "v1" });
    closers.push(() => upstream.close());
    const world: World = { api: "REST", listen: await freeAddress(), upstream: upstream.address };
    const registry = new NodeRegistry(settingsWith({ tag: () => "rest-" }));
    const cache = new SnapshotCache();
    closers.push(cache.attach(registry));
    const http = createHttpServer({
      controlPlane: unreadyControlPlane("this is only for polls", emptyState(), registry),
      meshReader: createMeshReader(),
      codec: builtCodec(),
      log: { info() {}, warn() {}, error() {} },
      xdsAddress: "none",
      fetch: (request, node) => registry.fetchOnce(request, node),
    });
    closers.push(() => http.close());
    const { url } = await http.listen("127.0.0.1:0");
    cache.set("", snapshot({ resources: resourcesOf(world, "c-0", 0) }));
    const xds = new URL(url).host;
    const running = await runEnvoy({ binary: envoy.path, bootstrap: bootstrapOf("REST", xds), dir });
    closers.push(() => running.stop());
    await running.ready();
    expect((await cache.converged("", { timeoutMs: CONVERGED_MS })).acked).toEqual(["separate-1"]);

    const target = http2Target("separate-1", `http://${world.listen}`);
    closers.push(() => target.close());
    expect(await target.request("/", { timeoutMs: 5_000 })).toMatchObject({ status: 200 });
    cache.set("", snapshot({ resources: resourcesOf(world, "c-1", 0) }));
    expect((await cache.converged("", { timeoutMs: CONVERGED_MS })).acked).toEqual(["separate-1"]);
    await expect
      .poll(() => running.stats("^cluster.c-[01].warming_state$").then((stats) => [...stats.keys()]))
      .toEqual(["cluster.c-1.warming_state"]);
    expect(await target.request("/", { timeoutMs: 5_000 })).toMatchObject({ status: 200 });
    // Unchanged polls are no updates: 304.
    const updates = (await running.stats("^cluster_manager.cds.update_(success|rejected)$")).get(
      "cluster_manager.cds.update_success",
    );
    expect(updates).toBe(2n);
  });
});
