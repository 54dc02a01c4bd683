// The xDS engine as a library, with nothing of the rest: a server whose content is set by your own program.
//   node examples/library.mjs 127.0.0.1:18000
// and an Envoy whose bootstrap names that address: bin/belay bootstrap --node edge-1 --cluster edge
import { SnapshotCache, snapshot, XdsServer } from "belay";

const CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const ENDPOINTS = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";

const cluster = {
  "@type": CLUSTER,
  name: "hello",
  type: "EDS",
  connect_timeout: "1s",
  eds_cluster_config: { eds_config: { ads: {}, resource_api_version: "V3" } },
};
const endpoints = (port) => ({
  "@type": ENDPOINTS,
  cluster_name: "hello",
  endpoints: [
    {
      lb_endpoints: [{ endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } } }],
    },
  ],
});

const cache = new SnapshotCache({ group: (node) => node.cluster });
cache.set("edge", snapshot({ resources: [cluster, endpoints(8080)] }));

const server = new XdsServer({ cache });
server.on("connect", ({ node, group }) => console.log(`${node} is here, of group ${group}`));
server.on("nack", ({ node, error }) => console.log(`${node} refused: ${error}`));
server.on("ack", ({ node, typeUrl }) => {
  console.log(`${node} has its ${typeUrl.slice(typeUrl.lastIndexOf(".") + 1)}`);
});
server.on("connect", ({ group }) => void tellWhoHasIt(group));

async function tellWhoHasIt(group) {
  const { acked, refused, pending } = await cache.converged(group, { timeoutMs: 5_000 });
  console.log(`in sync: ${acked.join(", ")}; refused: ${refused.length}, pending: ${pending.length}`);
}

const { port } = await server.listen(process.argv[2] ?? "127.0.0.1:18000");
console.log(`serving xDS on port ${port}`);

// Later, one resource changes: only that one is sent, and only to who asked for it.
process.once("SIGHUP", () => cache.update("edge", { set: [endpoints(8081)] }));
process.once("SIGTERM", () => void server.close());
