// What is done about content that an Envoy refuses: here the bad resource keeps its last good content, and all others go on.
//   node examples/quarantine.mjs 127.0.0.1:18000
// and an Envoy whose bootstrap names that address: bin/belay bootstrap --node edge-1 --cluster edge
import { SnapshotCache, snapshot, XdsServer } from "belay";

const CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const cluster = (name, timeout, more = {}) => ({ "@type": CLUSTER, name, connect_timeout: timeout, ...more });
/** Envoy refuses it: it picks its protocol by TLS and has none. */
const BAD = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      auto_config: {},
    },
  },
};

const cache = new SnapshotCache({ group: (node) => node.cluster });
cache.set("edge", snapshot({ resources: [cluster("shop", "1s"), cluster("cart", "1s")] }));

// Also "park" (the default), "rollback", { retry: { afterMs: 1_000, attempts: 5 } }, or a function of the type URL.
const server = new XdsServer({ cache, onNack: "quarantine" });
server.on("nack", ({ node, names }) => console.log(`${node} refused a change of ${names.join(", ")}`));

server.on("connect", ({ group }) => void changeTwice(group));

async function changeTwice(group) {
  await cache.converged(group);
  cache.update(group, { set: [cluster("shop", "2s"), cluster("cart", "2s", BAD)] });
  const { refused } = await cache.converged(group);
  console.log(`refused by ${refused.join(", ")}`);
  for (const { types } of cache.nodes(group)) {
    for (const { name, is, instead } of types[CLUSTER]?.refused ?? [])
      console.log(`${name} is ${is}, ${instead === "" ? "not given" : "with its last good content"}`);
  }
  cache.update(group, { set: [cluster("cart", "2s")] });
  const { acked } = await cache.converged(group);
  console.log(`mended, and in force on ${acked.join(", ")}`);
}

const { port } = await server.listen(process.argv[2] ?? "127.0.0.1:18000");
console.log(`serving xDS on port ${port}`);
process.once("SIGTERM", () => void server.close());
