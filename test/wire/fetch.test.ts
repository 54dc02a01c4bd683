import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CLUSTER, ENDPOINTS } from "../../src/core/resource/type-url.ts";
import { type UnaryAnswer, unaryCall, type WireResponse } from "./ads-client.ts";
import { type Edge, nodeOf, resource, startEdge, viewOf } from "./edge.ts";

const CLUSTERS = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters";
const ROUTES = "/envoy.service.route.v3.RouteDiscoveryService/FetchRoutes";

let edge: Edge;
beforeEach(async () => {
  edge = await startEdge();
});
afterEach(() => edge.close());

const fetch = (method: string, request: object): Promise<UnaryAnswer> =>
  unaryCall(`127.0.0.1:${edge.port}`, method, { node: nodeOf("n1"), ...request });

/** Gives the node its view as soon as it is there. */
function serve(...resources: Parameters<typeof viewOf>): void {
  edge.registry.listen((event) => {
    if (event.kind === "connected") edge.registry.assign("n1", viewOf(...resources));
  });
}

const answered = (answer: UnaryAnswer): WireResponse => {
  if (!("response" in answer)) throw new Error(`ended with ${answer.code}: ${answer.details}`);
  return answer.response;
};

describe.each([
  ["cluster.v3.ClusterDiscoveryService/FetchClusters", CLUSTER],
  ["endpoint.v3.EndpointDiscoveryService/FetchEndpoints", ENDPOINTS],
  ["listener.v3.ListenerDiscoveryService/FetchListeners", "type.googleapis.com/envoy.config.listener.v3.Listener"],
  ["route.v3.RouteDiscoveryService/FetchRoutes", "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"],
  [
    "route.v3.ScopedRoutesDiscoveryService/FetchScopedRoutes",
    "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration",
  ],
  [
    "secret.v3.SecretDiscoveryService/FetchSecrets",
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
  ],
  ["runtime.v3.RuntimeDiscoveryService/FetchRuntime", "type.googleapis.com/envoy.service.runtime.v3.Runtime"],
  [
    "extension.v3.ExtensionConfigDiscoveryService/FetchExtensionConfigs",
    "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
  ],
])("%s", (method, typeUrl) => {
  test("answers with what is there of what was asked for", async () => {
    serve(resource(typeUrl, "a", "1"), resource(typeUrl, "b", "2"));
    const response = answered(await fetch(`/envoy.service.${method}`, { resourceNames: ["a", "unknown"] }));
    expect(response).toMatchObject({ typeUrl, resources: [{ typeUrl, value: Buffer.from("1") }] });
  });
});

describe("a request on no stream", () => {
  test("is waited for until its node has been given its view", async () => {
    const asking = fetch(CLUSTERS, {});
    await edge.eventOf("connected");
    edge.registry.assign("n1", viewOf(resource(CLUSTER, "a", "1")));
    expect(answered(await asking).resources).toHaveLength(1);
  });

  test("that says to have the newest is the ACK of it, and is answered in full: gRPC cannot say unchanged", async () => {
    serve(resource(CLUSTER, "a", "1"));
    const first = answered(await fetch(CLUSTERS, {}));
    expect(edge.registry.node("n1")).toMatchObject({ connected: true, state: "STALE" });
    const again = answered(await fetch(CLUSTERS, { versionInfo: first.versionInfo }));
    expect(again.resources).toEqual(first.resources);
    expect(edge.registry.node("n1")).toMatchObject({ state: "IN_SYNC" });
    expect(edge.events.map(({ kind }) => kind)).toEqual(["connected", "acked", "converged"]);
    edge.registry.assign("n1", viewOf(resource(CLUSTER, "a", "2")));
    expect(edge.registry.node("n1")?.state).toBe("STALE");
    const changed = answered(await fetch(CLUSTERS, { versionInfo: first.versionInfo }));
    expect(changed.versionInfo).not.toBe(first.versionInfo);
  });

  test("can refuse what it was given last", async () => {
    serve(resource(CLUSTER, "a", "1"));
    await fetch(CLUSTERS, {});
    await fetch(CLUSTERS, { errorDetail: { code: 13, message: "no" } });
    expect(await edge.eventOf("refused")).toMatchObject({ typeUrl: CLUSTER, error: "no", names: ["a"] });
    expect(edge.registry.node("n1")?.state).toBe("REFUSED");
  });

  test("for names of which none exists is NOT_FOUND", async () => {
    serve(resource(CLUSTER, "a", "1"));
    expect(await fetch(ROUTES, { resourceNames: ["x"] })).toMatchObject({ code: 5 });
  });

  test("for another type than the service's is INVALID_ARGUMENT, and one without a node", async () => {
    expect(await fetch(CLUSTERS, { typeUrl: ENDPOINTS })).toMatchObject({ code: 3 });
    expect(await fetch(CLUSTERS, { node: Buffer.alloc(0) })).toMatchObject({
      code: 3,
      details: expect.stringContaining("node"),
    });
  });

  test("of a node that nothing selects is UNAVAILABLE with the reason", async () => {
    edge.registry.listen((event) => {
      if (event.kind === "connected") edge.registry.assign("n1", undefined, "no gateway selects it");
    });
    expect(await fetch(CLUSTERS, {})).toMatchObject({ code: 14, details: "no gateway selects it" });
  });

  test("to a control plane that is not ready is UNAVAILABLE (P65)", async () => {
    edge.registry.refuseStreams("the store cannot be read");
    expect(await fetch(CLUSTERS, {})).toMatchObject({ code: 14, details: "the store cannot be read" });
  });
});
