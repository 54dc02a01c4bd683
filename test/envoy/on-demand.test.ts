import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { LISTENER, ROUTES, VIRTUAL_HOST } from "../../src/core/resource/type-url.ts";
import type { ResourceInput } from "../../src/index.ts";
import { freeAddress } from "../../src/lab/addresses.ts";
import { Lifetimes } from "../../src/lab/lifetimes.ts";
import { startUpstream } from "../../src/lab/upstream.ts";
import { cluster, clustersOf, type Engine, startEngine, viewOf } from "./engine.ts";
import { envoy, eventually, startEnvoy, type TestEnvoy } from "./harness.ts";

const EXTENSIONS = "type.googleapis.com/envoy.extensions.filters";
const OVER_ADS = { ads: {}, resource_api_version: "V3" };

/** A listener whose routes and, by its on-demand filter, virtual hosts and clusters come from the engine. */
function listener(name: string, address: string): ResourceInput {
  const [host, port] = address.split(":");
  const onDemand = {
    "@type": `${EXTENSIONS}.http.on_demand.v3.OnDemand`,
    odcds: { source: { ...OVER_ADS, initial_fetch_timeout: "0s" }, timeout: "3s" },
  };
  const manager = {
    "@type": `${EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    rds: { route_config_name: name, config_source: { ...OVER_ADS, initial_fetch_timeout: "0s" } },
    http_filters: [
      { name: "envoy.filters.http.on_demand", typed_config: onDemand },
      { name: "router", typed_config: { "@type": `${EXTENSIONS}.http.router.v3.Router` } },
    ],
  };
  return {
    "@type": LISTENER,
    name,
    address: { socket_address: { address: host, port_value: Number(port) } },
    filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
  };
}

/** Without a bound, so that a listener that hears nothing of its virtual hosts warms for ever. */
const onDemandRoutes = (name: string, more: Readonly<Record<string, unknown>> = {}): ResourceInput => ({
  "@type": ROUTES,
  name,
  vhds: { config_source: { ...OVER_ADS, initial_fetch_timeout: "0s" } },
  ...more,
});

const saying = (name: string, domains: readonly string[], body: string): ResourceInput => ({
  "@type": VIRTUAL_HOST,
  name,
  domains,
  routes: [{ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: body } } }],
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly ms: number;
}

async function ask(address: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const [host, port] = address.split(":");
  const from = performance.now();
  return await new Promise((resolve, reject) => {
    const sent = request({ host, port, path: "/", headers, agent: false, timeout: 10_000 }, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += String(chunk)));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body, ms: performance.now() - from }));
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer for ${JSON.stringify(headers)}`)));
    sent.on("error", reject);
    sent.end();
  });
}

let lifetimes = new Lifetimes();
afterEach(async () => {
  await lifetimes.close();
  lifetimes = new Lifetimes();
});

interface Started {
  readonly engine: Engine;
  readonly proxy: TestEnvoy;
}

async function start(xds: string, resources: readonly ResourceInput[], withClusters = true): Promise<Started> {
  const engine = await lifetimes.add(startEngine(xds), (made) => made.die());
  engine.give("edge-1", viewOf(...resources));
  const dir = await lifetimes.add(mkdtemp(join(tmpdir(), "belay-test-")), (made) =>
    rm(made, { recursive: true, force: true }),
  );
  const place = { id: "edge-1", listen: await freeAddress() };
  const bootstrap = (made: Readonly<Record<string, unknown>>) => {
    const { cds_config: clusters, ...others } = made["dynamic_resources"] as Record<string, unknown>;
    return { ...made, dynamic_resources: withClusters ? { ...others, cds_config: clusters } : others };
  };
  const proxy = await lifetimes.add(startEnvoy(place, xds, dir, { delta: true, bootstrap }), async (made) => {
    made.target.close();
    await made.stop();
  });
  await proxy.ready(15_000);
  return { engine, proxy };
}

/** What each route has in it, of virtual hosts. */
async function hostsOf(proxy: TestEnvoy): Promise<Record<string, string[]>> {
  const dump = JSON.stringify(await proxy.configDump());
  const { configs } = JSON.parse(dump) as {
    configs: { dynamic_route_configs?: { route_config: { name: string; virtual_hosts?: { name: string }[] } }[] }[];
  };
  const all = configs.flatMap(({ dynamic_route_configs: list = [] }) => list.map((one) => one.route_config));
  return Object.fromEntries(
    all.map(({ name, virtual_hosts: hosts = [] }) => [name, hosts.map((one) => one.name).sort()]),
  );
}

describe.skipIf("missing" in envoy)("P38 virtual hosts on demand, on a real Envoy", () => {
  test("are found by the host of a request; what does not exist is 404 at once; nothing leaks", async () => {
    const [first, second] = [await freeAddress(), await freeAddress()];
    const gates = [listener("r", first), listener("s", second), onDemandRoutes("r"), onDemandRoutes("s")];
    const shop = saying("r/shop", ["shop.com", "*.shop.com"], "shop");
    const other = saying("s/other", ["other.com"], "other");
    // LIVE: neither listener waits for virtual hosts that nobody has asked for.
    const { engine, proxy } = await start(await freeAddress(), [...gates, shop, other]);
    expect(await hostsOf(proxy)).toEqual({ r: [], s: [] });

    expect(await ask(first, { host: "shop.com" })).toMatchObject({ status: 200, body: "shop" });
    expect(await ask(first, { host: "a.Shop.com" })).toMatchObject({ status: 200, body: "shop" });
    for (let time = 0; time < 2; time += 1) {
      const unknown = await ask(first, { host: "other.com" });
      expect(unknown.status).toBe(404);
      expect(unknown.ms).toBeLessThan(1_000);
    }
    expect(await hostsOf(proxy)).toEqual({ r: ["r/shop"], s: [] });
    expect(await ask(second, { host: "other.com" })).toMatchObject({ status: 200, body: "other" });
    expect(await hostsOf(proxy)).toEqual({ r: ["r/shop"], s: ["s/other"] });

    engine.give("edge-1", viewOf(...gates, shop, other, saying("r/new", ["other.com"], "new")));
    await eventually(async () => (await hostsOf(proxy))["r"]?.includes("r/new"), "the new virtual host is there");
    expect(await ask(first, { host: "other.com" })).toMatchObject({ status: 200, body: "new" });
    engine.give("edge-1", viewOf(...gates, other));
    await eventually(async () => (await hostsOf(proxy))["r"]?.length === 0, "the virtual hosts of r are gone");
    const gone = await ask(first, { host: "shop.com" });
    expect(gone.status).toBe(404);
    expect(gone.ms).toBeLessThan(1_000);
    expect(await hostsOf(proxy)).toEqual({ r: [], s: ["s/other"] });
  });

  test("a listener that comes later does not wait for those of its routes; ports count where the routes say so", async () => {
    const [first, second] = [await freeAddress(), await freeAddress()];
    const gate = [listener("r", first), onDemandRoutes("r")];
    const { engine, proxy } = await start(await freeAddress(), gate);
    const late = [listener("late", second), onDemandRoutes("late", { ignore_port_in_host_matching: true })];
    const hosts = [saying("r/a", ["a.com"], "r"), saying("late/a", ["a.com"], "late")];
    engine.give("edge-1", viewOf(...gate, ...late, ...hosts));
    await eventually(async () => "late" in (await hostsOf(proxy)), "the routes of the later listener are there");
    const answer = await eventually(
      () => ask(second, { host: "a.com:8080" }).catch(() => undefined),
      "it listens",
      5_000,
    );
    expect(answer).toMatchObject({ status: 200, body: "late" });
    expect((await ask(first, { host: "a.com:8080" })).status).toBe(404);
    expect(await hostsOf(proxy)).toEqual({ r: [], late: ["late/a"] });
  });

  test("what went while the server was away is gone when it is back, and what stayed is served", async () => {
    const [xds, address] = [await freeAddress(), await freeAddress()];
    const gate = [listener("r", address), onDemandRoutes("r")];
    const [kept, dropped] = [saying("r/kept", ["kept.com"], "kept"), saying("r/dropped", ["dropped.com"], "dropped")];
    const { engine, proxy } = await start(xds, [...gate, kept, dropped]);
    for (const host of ["kept.com", "dropped.com"]) expect((await ask(address, { host })).status).toBe(200);
    await engine.die();
    expect((await ask(address, { host: "dropped.com" })).status).toBe(200);
    const second = await lifetimes.add(startEngine(xds), (made) => made.die());
    second.give("edge-1", viewOf(...gate, kept));
    await eventually(async () => (await hostsOf(proxy))["r"]?.length === 1, "the dropped one is gone");
    expect((await ask(address, { host: "dropped.com" })).status).toBe(404);
    expect(await ask(address, { host: "kept.com" })).toMatchObject({ status: 200, body: "kept" });
  });
});

describe.skipIf("missing" in envoy).each([
  ["beside the wildcard", true],
  ["alone", false],
])("clusters on demand, %s, on a real Envoy", (_how, withClusters) => {
  test("are asked for by a request, which ends at once where there is none", async () => {
    const address = await freeAddress();
    const upstream = await lifetimes.add(startUpstream({ version: "v1" }), (made) => made.close());
    const byHeader = [{ match: { prefix: "/" }, route: { cluster_header: "x-to" } }];
    const routes = {
      "@type": ROUTES,
      name: "r",
      virtual_hosts: [{ name: "all", domains: ["*"], routes: byHeader }],
    };
    const [host, port] = upstream.address.split(":");
    const endpoint = { address: { socket_address: { address: host, port_value: Number(port) } } };
    const http2 = { explicit_http_config: { http2_protocol_options: {} } };
    const toUpstream = (name: string) =>
      cluster(name, {
        load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
        typed_extension_protocol_options: {
          "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            ...http2,
          },
        },
      });
    const gate = [listener("r", address), routes];
    const { engine, proxy } = await start(
      await freeAddress(),
      [...gate, toUpstream("one"), toUpstream("other")],
      withClusters,
    );
    expect((await ask(address, { "x-to": "one" })).status).toBe(200);
    const missing = await ask(address, { "x-to": "missing" });
    expect(missing.status).toBe(503);
    // Not the second: the filter's own time-out, which such a request waits for as Envoy does not ask again.
    expect(missing.ms).toBeLessThan(2_000);
    // What was not asked for comes only where everything was.
    const others = withClusters ? ["other"] : [];
    expect(Object.keys(await clustersOf(proxy)).sort()).toEqual(["one", ...others].sort());

    engine.give("edge-1", viewOf(...gate, toUpstream("other"), toUpstream("missing")));
    await eventually(
      async () => "missing" in (await clustersOf(proxy)),
      "the cluster that was asked for has come to be",
    );
    expect((await ask(address, { "x-to": "missing" })).status).toBe(200);
    await eventually(async () => !("one" in (await clustersOf(proxy))), "the removed cluster is gone");
    expect((await ask(address, { "x-to": "one" })).status).toBe(503);
  });
});
