import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CLUSTER, ENDPOINTS, LISTENER, ROUTES } from "../../src/core/resource/type-url.ts";
import type { AdsClient, WireResponse } from "./ads-client.ts";
import { type Edge, nodeOf, resource, startEdge, viewOf } from "./edge.ts";

const PREFIX = "type.googleapis.com/envoy";

/** As Envoy's API has them: service, methods after this word, type. */
const SERVICES = [
  ["cluster.v3.ClusterDiscoveryService", "Clusters", `${PREFIX}.config.cluster.v3.Cluster`],
  ["endpoint.v3.EndpointDiscoveryService", "Endpoints", `${PREFIX}.config.endpoint.v3.ClusterLoadAssignment`],
  ["listener.v3.ListenerDiscoveryService", "Listeners", `${PREFIX}.config.listener.v3.Listener`],
  ["route.v3.RouteDiscoveryService", "Routes", `${PREFIX}.config.route.v3.RouteConfiguration`],
  ["route.v3.ScopedRoutesDiscoveryService", "ScopedRoutes", `${PREFIX}.config.route.v3.ScopedRouteConfiguration`],
  ["route.v3.VirtualHostDiscoveryService", "VirtualHosts", `${PREFIX}.config.route.v3.VirtualHost`],
  ["secret.v3.SecretDiscoveryService", "Secrets", `${PREFIX}.extensions.transport_sockets.tls.v3.Secret`],
  ["runtime.v3.RuntimeDiscoveryService", "Runtime", `${PREFIX}.service.runtime.v3.Runtime`],
  ["extension.v3.ExtensionConfigDiscoveryService", "ExtensionConfigs", `${PREFIX}.config.core.v3.TypedExtensionConfig`],
] as const;

let edge: Edge;
beforeEach(async () => {
  edge = await startEdge();
});
afterEach(() => edge.close());

const STREAMED = SERVICES.flatMap(([service, word, typeUrl]) => [
  ...(word === "VirtualHosts" ? [] : ([["sotw", `/envoy.service.${service}/Stream${word}`, typeUrl]] as const)),
  ["delta", `/envoy.service.${service}/Delta${word}`, typeUrl] as const,
]);

describe.each(STREAMED)("%s %s", (dialect, method, typeUrl) => {
  const ask = (names: readonly string[], asked: string) =>
    dialect === "sotw"
      ? { typeUrl: asked, resourceNames: names, node: nodeOf("n1") }
      : { typeUrl: asked, resourceNamesSubscribe: names, node: nodeOf("n1") };

  test("carries its type, also where a request does not say it", async () => {
    const client = edge.connect(dialect, method);
    client.send(ask(["a"], ""));
    await edge.eventOf("connected");
    edge.registry.assign("n1", viewOf(resource(typeUrl, "a", "1"), resource(`${PREFIX}.Other`, "a", "2")));
    const response = await client.next();
    expect(response).toMatchObject({ typeUrl, resources: [{}] });
    client.send({ ...ask([], typeUrl), ...(dialect === "sotw" ? { resourceNames: ["a"] } : {}), ...ackOf(response) });
    await edge.eventOf("converged");
    expect(edge.registry.node("n1")?.types.get(typeUrl)?.state).toBe("SYNCED");
  });

  test("refuses any other type with INVALID_ARGUMENT", async () => {
    const client = edge.connect(dialect, method);
    client.send(ask(["a"], `${PREFIX}.Other`));
    expect(await client.ended).toMatchObject({ code: 3, details: expect.stringContaining(typeUrl) });
  });
});

test("there is no state of the world for virtual hosts", async () => {
  const client = edge.connect("sotw", "/envoy.service.route.v3.VirtualHostDiscoveryService/StreamVirtualHosts");
  expect(await client.ended).toMatchObject({ code: 12 });
});

function ackOf(response: WireResponse) {
  return { typeUrl: response.typeUrl, versionInfo: response.versionInfo, responseNonce: response.nonce };
}

const METHOD = {
  sotw: (service: string, word: string) => `/envoy.service.${service}/Stream${word}`,
  delta: (service: string, word: string) => `/envoy.service.${service}/Delta${word}`,
};
const CLUSTERS = ["cluster.v3.ClusterDiscoveryService", "Clusters"] as const;
const EDS = ["endpoint.v3.EndpointDiscoveryService", "Endpoints"] as const;
const LISTENERS = ["listener.v3.ListenerDiscoveryService", "Listeners"] as const;
const RDS = ["route.v3.RouteDiscoveryService", "Routes"] as const;

const cluster = (name: string, version: string) => resource(CLUSTER, name, version, [{ typeUrl: ENDPOINTS, name }]);
const endpoints = (name: string, version = "e") => resource(ENDPOINTS, name, version);
const route = (...to: string[]) =>
  resource(
    ROUTES,
    "r",
    `to ${to.join(" ")}`,
    to.map((name) => ({ typeUrl: CLUSTER, name })),
  );
const listener = resource(LISTENER, "l", "l1", [{ typeUrl: ROUTES, name: "r" }]);

describe.each(["sotw", "delta"] as const)("a node with a stream for each type, %s", (dialect) => {
  /** Names of the resources in a response. */
  const namesIn = (response: WireResponse): string[] =>
    response.resources.map((one) =>
      dialect === "delta" ? String(one["name"]) : String((one["value"] as Buffer).toString()),
    );

  async function open([service, word]: readonly [string, string], names: readonly string[]): Promise<AdsClient> {
    const client = edge.connect(dialect, METHOD[dialect](service, word));
    client.send({
      node: nodeOf("n1"),
      ...(dialect === "sotw" ? { resourceNames: names } : { resourceNamesSubscribe: names }),
    });
    return client;
  }

  async function take(client: AdsClient, names: readonly string[]): Promise<WireResponse> {
    const response = await client.next();
    client.send({ ...ackOf(response), ...(dialect === "sotw" ? { resourceNames: names } : {}) });
    return response;
  }

  async function synced(view = viewOf(cluster("a", "1"), endpoints("a"), listener, route("a"))) {
    const cds = await open(CLUSTERS, []);
    await edge.eventOf("connected");
    edge.registry.assign("n1", view);
    const clusters = (await take(cds, [])).resources.length;
    const names = clusters === 1 ? ["a"] : ["a", "b"];
    const eds = await open(EDS, names);
    await take(eds, names);
    const lds = await open(LISTENERS, []);
    await take(lds, []);
    expect(edge.registry.node("n1")?.state).toBe("STALE");
    const rds = await open(RDS, ["r"]);
    await take(rds, ["r"]);
    await edge.eventOf("converged");
    return { cds, eds, lds, rds, names };
  }

  test("is one node, in sync once all of them are", async () => {
    const { rds } = await synced();
    const status = edge.registry.node("n1");
    expect(status?.state).toBe("IN_SYNC");
    expect([...(status?.types.keys() ?? [])].sort()).toEqual([CLUSTER, ENDPOINTS, LISTENER, ROUTES].sort());
    expect(edge.events.filter(({ kind }) => kind === "connected")).toHaveLength(1);
    expect(edge.events.filter(({ kind }) => kind === "converged")).toHaveLength(1);
    rds.close();
    await expect.poll(() => edge.registry.node("n1")?.types.has(ROUTES)).toBe(false);
    expect(edge.registry.node("n1")).toMatchObject({ connected: true });
    expect(edge.events.filter(({ kind }) => kind === "lost")).toHaveLength(0);
  });

  test("keeps a removed cluster until its routes, on another stream, have let go of it (P45)", async () => {
    const before = viewOf(
      cluster("a", "a1"),
      cluster("b", "b1"),
      endpoints("a"),
      endpoints("b"),
      listener,
      route("a", "b"),
    );
    const { cds, rds } = await synced(before);
    edge.registry.assign("n1", viewOf(cluster("a", "a1"), endpoints("a"), listener, route("a")));
    const routes = await rds.next();
    expect(cds.unread).toEqual([]);
    const acked = Date.now();
    rds.send({ ...ackOf(routes), ...(dialect === "sotw" ? { resourceNames: ["r"] } : {}) });
    const clusters = await cds.next();
    expect(Date.now() - acked).toBeGreaterThanOrEqual(190);
    if (dialect === "delta") expect(clusters.removedResources).toEqual(["b"]);
    else expect(namesIn(clusters)).toEqual(["a1"]);
  });

  test("takes a new cluster before the routes to it, which are on another stream (P44)", async () => {
    const { cds, rds } = await synced();
    edge.registry.assign(
      "n1",
      viewOf(cluster("a", "1"), cluster("b", "b1"), endpoints("a"), endpoints("b"), listener, route("a", "b")),
    );
    const clusters = await cds.next();
    expect(rds.unread).toEqual([]);
    cds.send({ ...ackOf(clusters), ...(dialect === "sotw" ? { resourceNames: [] } : {}) });
    // The ACK of clusters comes at once here, and not when they are warm: that is the ACK of their endpoints.
    await expect.poll(() => edge.events.filter(({ kind }) => kind === "acked").length).toBe(5);
    expect(rds.unread).toEqual([]);
    await take(await open(EDS, ["b"]), ["b"]);
    expect(await rds.next()).toMatchObject({ typeUrl: ROUTES });
  });

  test("is told the endpoints of a cluster that is on its way out, while it is routed to", async () => {
    await synced();
    edge.registry.assign("n1", viewOf(cluster("b", "b1"), endpoints("b"), listener, route("b")));
    // The cluster had changed before, and warms: it asks for its endpoints anew.
    const again = await open(EDS, ["a"]);
    const response = await again.next();
    expect(response.removedResources ?? []).toEqual([]);
    const [first] = response.resources;
    const any = dialect === "sotw" ? first : (first?.["resource"] as Record<string, unknown>);
    expect(String(any?.["value"])).toBe("e");
  });

  test("is told the endpoints of a cluster that it has only just been given, although the view has dropped both", async () => {
    const { cds } = await synced();
    const before = [cluster("a", "1"), endpoints("a"), listener, route("a")];
    edge.registry.assign("n1", viewOf(...before, cluster("c", "1"), endpoints("c")));
    await take(cds, []);
    edge.registry.assign("n1", viewOf(...before));
    const response = await (await open(EDS, ["c"])).next();
    expect(response.removedResources ?? []).toEqual([]);
    expect(response.resources).toHaveLength(1);
  });

  test("is sent the endpoints of a changed cluster again, on their stream (P39)", async () => {
    const { cds, eds } = await synced();
    edge.registry.assign("n1", viewOf(cluster("a", "2"), endpoints("a"), listener, route("a")));
    await take(cds, []);
    expect(namesIn(await eds.next())).toHaveLength(1);
  });

  test("with a stream for each name of a type counts with all of them", async () => {
    const { cds } = await synced();
    edge.registry.assign(
      "n1",
      viewOf(cluster("a", "1"), cluster("b", "1"), endpoints("a"), endpoints("b"), listener, route("a")),
    );
    await take(cds, []);
    const other = await open(EDS, ["b"]);
    const response = await other.next();
    expect(response.resources).toHaveLength(1);
    expect(edge.registry.node("n1")?.types.get(ENDPOINTS)?.state).not.toBe("SYNCED");
    other.send({ ...ackOf(response), ...(dialect === "sotw" ? { resourceNames: ["b"] } : {}) });
    await expect.poll(() => edge.registry.node("n1")?.state).toBe("IN_SYNC");
  });

  test("that asks for the same on a newer stream is judged by that one", async () => {
    const { names } = await synced();
    edge.registry.assign("n1", viewOf(cluster("a", "1"), endpoints("a", "changed"), listener, route("a")));
    await expect.poll(() => edge.registry.node("n1")?.state).toBe("STALE");
    const newer = await open(EDS, names);
    await take(newer, names);
    await expect.poll(() => edge.registry.node("n1")?.state).toBe("IN_SYNC");
  });

  test("comes back with what it has, and is told nothing", async () => {
    const { cds, eds, lds, rds } = await synced();
    for (const client of [cds, eds, lds, rds]) client.close();
    await edge.eventOf("lost");
    const version = edge.registry.node("n1")?.types;
    expect(version?.size).toBe(0);
    const again = edge.connect(dialect, METHOD[dialect](...CLUSTERS));
    const has = edge.registry.node("n1")?.acked?.snapshot.types.get(CLUSTER)?.version;
    again.send({
      node: nodeOf("n1"),
      ...(dialect === "sotw" ? { versionInfo: has } : { initialResourceVersions: { a: "1" } }),
    });
    await expect.poll(() => edge.registry.node("n1")?.types.get(CLUSTER)?.state).toBe("SYNCED");
    expect(again.unread).toEqual([]);
  });
});
