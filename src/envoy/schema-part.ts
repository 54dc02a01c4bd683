import { type DescFile, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { openRegistry } from "./registry.ts";

/** What Belay compiles meshes to, and what stands beside it most often. One more here costs a start about a millisecond. */
const USUAL = [
  "envoy.config.cluster.v3.Cluster",
  "envoy.config.endpoint.v3.ClusterLoadAssignment",
  "envoy.config.listener.v3.Listener",
  "envoy.config.route.v3.RouteConfiguration",
  "envoy.extensions.filters.http.router.v3.Router",
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
  "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
  "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
];

/** The files of a FileDescriptorSet with the usual messages and all that these import, in the order of the set. */
export function usualPart(set: Uint8Array): Uint8Array {
  const registry = openRegistry(set);
  const kept = new Set<string>();
  const keep = ({ proto, dependencies }: DescFile): void => {
    if (kept.has(proto.name)) return;
    kept.add(proto.name);
    for (const dependency of dependencies) keep(dependency);
  };
  for (const name of USUAL) {
    const file = registry.getMessage(name)?.file;
    if (file !== undefined) keep(file);
  }
  const all = fromBinary(FileDescriptorSetSchema, set);
  all.file = all.file.filter(({ name }) => kept.has(name));
  return toBinary(FileDescriptorSetSchema, all);
}
