import { afterEach, beforeEach, expect, test } from "vitest";
import { SnapshotCache, snapshot, XdsServer } from "../../src/index.ts";
import { AdsClient } from "./ads-client.ts";
import { nodeOf } from "./edge.ts";
import { ServiceClient } from "./service-client.ts";

const CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

let server: XdsServer;
let port: number;
const closers: (() => void)[] = [];

beforeEach(async () => {
  const cache = new SnapshotCache();
  cache.set("default", snapshot({ resources: [{ "@type": CLUSTER, name: "a" }] }));
  server = new XdsServer({ cache, loadReportMs: 1_000 });
  ({ port } = await server.listen("127.0.0.1:0"));
});
afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await server.close();
});

function client(file: string, service: string): ServiceClient {
  const made = new ServiceClient(port, file, service);
  closers.push(() => made.close());
  return made;
}

test("load reports are asked for and counted by the library too", async () => {
  const lrs = client("envoy/service/load_stats/v3/lrs.proto", "envoy.service.load_stats.v3.LoadReportingService");
  const stream = lrs.stream("StreamLoadStats");
  const clusterStats = [{ clusterName: "a", upstreamLocalityStats: [{ totalSuccessfulRequests: 3 }] }];
  stream.send({ node: nodeOf("n1"), clusterStats });
  expect(await stream.next()).toMatchObject({ loadReportingInterval: { seconds: "1" }, sendAllClusters: true });
  expect(server.loads().get("a")).toMatchObject({ success: 3, error: 0 });
  expect(server.loads({ nodes: ["n2"] }).size).toBe(0);
});

test("what a node has is told over CSDS by the library too", async () => {
  const ads = new AdsClient(`127.0.0.1:${port}`, "sotw");
  closers.push(() => ads.close());
  ads.send({ typeUrl: CLUSTER, node: nodeOf("n1") });
  await ads.next();
  const csds = client("envoy/service/status/v3/csds.proto", "envoy.service.status.v3.ClientStatusDiscoveryService");
  expect(await csds.call("FetchClientStatus", {})).toMatchObject({
    config: [{ node: { id: "n1" }, genericXdsConfigs: [{ typeUrl: CLUSTER, configStatus: "STALE" }] }],
  });
});
