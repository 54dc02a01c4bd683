// gRPC without proxies: clients that dial xds:///greeter are told where to go by Belay's library. A new version of the
// service gets more of their calls step by step, for as long as their own load reports say that it does well.
//   node examples/grpc-service/server.mjs 127.0.0.1:18000
//   node examples/grpc-service/client.mjs 127.0.0.1:18000
// To see it taken back, let the new version fail: CANARY_FAILS=1 before the first line.
import { setTimeout as pause } from "node:timers/promises";
import { SnapshotCache, snapshot, XdsServer } from "belay";
import { startGreeter } from "./greeter.mjs";

/** Percent of the calls that the new version gets, one step after the other. */
const STEPS = [5, 25, 50, 100];
/** A step is over when the new version has had so many calls in it, and what share of them may have failed. */
const { CALLS_A_STEP = "50", CANARY_FAILS } = process.env;
const MAX_ERRORS = 0.01;
/** Clients report every second what came of their calls. */
const REPORT_MS = 1_000;

const ADS = { ads: {}, resource_api_version: "V3" };
const type = (name) => `type.googleapis.com/envoy.${name}`;

/** What a gRPC client asks for when it dials xds:///greeter: a listener that only names the routes. */
const listener = {
  "@type": type("config.listener.v3.Listener"),
  name: "greeter",
  api_listener: {
    api_listener: {
      "@type": type("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
      stat_prefix: "greeter",
      rds: { route_config_name: "greeter", config_source: ADS },
      http_filters: [{ name: "router", typed_config: { "@type": type("extensions.filters.http.router.v3.Router") } }],
    },
  },
};

/** The one resource that changes with each step. */
const routes = (percent) => ({
  "@type": type("config.route.v3.RouteConfiguration"),
  name: "greeter",
  virtual_hosts: [
    {
      name: "greeter",
      domains: ["*"],
      routes: [
        {
          match: { prefix: "" },
          route: {
            weighted_clusters: {
              clusters: [
                { name: "v1", weight: 100 - percent },
                { name: "v2", weight: percent },
              ],
            },
          },
        },
      ],
    },
  ],
});

const cluster = (name) => ({
  "@type": type("config.cluster.v3.Cluster"),
  name,
  type: "EDS",
  eds_cluster_config: { eds_config: ADS },
  lrs_server: { self: {} },
});

const endpoints = (name, port) => ({
  "@type": type("config.endpoint.v3.ClusterLoadAssignment"),
  cluster_name: name,
  endpoints: [
    {
      // gRPC takes no endpoints without these two.
      locality: { region: "here" },
      load_balancing_weight: 1,
      lb_endpoints: [{ endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } } }],
    },
  ],
});

const [v1, v2] = await Promise.all([startGreeter("v1"), startGreeter("v2", { fails: CANARY_FAILS === "1" })]);
const cache = new SnapshotCache();
const all = [listener, routes(0), cluster("v1"), cluster("v2"), endpoints("v1", v1.port), endpoints("v2", v2.port)];
cache.set("default", snapshot({ resources: all }));

const server = new XdsServer({ cache, loadReportMs: REPORT_MS });
server.on("nack", ({ node, error }) => console.log(`${node} refused: ${error}`));
const firstClient = new Promise((resolve) => server.on("connect", resolve));
const { port } = await server.listen(process.argv[2] ?? "127.0.0.1:18000");
console.log(`serving xds:///greeter on port ${port}`);

/** Changes the split, and waits until every client that is there has it. */
async function moveTo(percent) {
  cache.update("default", { set: [routes(percent)] });
  const { acked, refused, pending } = await cache.converged("default");
  console.log(
    `v2 gets ${percent} %: acked by ${acked.length}, refused by ${refused.length}, pending at ${pending.length}`,
  );
}

/** What came of the calls to v2 that were reported from now on, once there are enough. */
async function outcome() {
  for (const from = Date.now(); ; await pause(REPORT_MS / 10)) {
    const { success = 0, error = 0 } = server.loads({ from }).get("v2") ?? {};
    if (success + error >= Number(CALLS_A_STEP)) return { calls: success + error, failed: error };
  }
}

process.once("SIGTERM", async () => {
  await server.close();
  v1.close();
  v2.close();
  process.exit(0);
});

await firstClient;
for (const percent of STEPS) {
  await moveTo(percent);
  const { calls, failed } = await outcome();
  console.log(`${calls} calls to v2, ${failed} failed`);
  if (failed <= calls * MAX_ERRORS) continue;
  await moveTo(0);
  break;
}
console.log("done");
