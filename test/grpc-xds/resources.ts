import { CLUSTER, ENDPOINTS, LISTENER, ROUTES } from "../../src/core/resource/type-url.ts";
import type { ResourceInput } from "../../src/index.ts";

const ADS = { ads: {}, resource_api_version: "V3" };
const MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";

/** What a gRPC client dials as `xds:///NAME`; its routes have the same name. */
export function listener(name: string, options: Record<string, unknown> = {}): ResourceInput {
  const manager = {
    "@type": MANAGER,
    stat_prefix: name,
    rds: { route_config_name: name, config_source: ADS },
    http_filters: [{ name: "router", typed_config: { "@type": ROUTER } }],
    common_http_protocol_options: options,
  };
  return { "@type": LISTENER, name, api_listener: { api_listener: manager } };
}

/** All calls, to these clusters in these shares. */
export function routes(name: string, shares: Readonly<Record<string, number>>): ResourceInput {
  const clusters = Object.entries(shares).map(([cluster, weight]) => ({ name: cluster, weight }));
  const [only] = clusters;
  const route =
    clusters.length === 1 && only !== undefined ? { cluster: only.name } : { weighted_clusters: { clusters } };
  return {
    "@type": ROUTES,
    name,
    virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "" }, route }] }],
  };
}

/** A cluster whose load gRPC clients report. */
export function cluster(name: string, more: Record<string, unknown> = {}): ResourceInput {
  return {
    "@type": CLUSTER,
    name,
    type: "EDS",
    eds_cluster_config: { eds_config: ADS },
    lrs_server: { self: {} },
    ...more,
  };
}

/** Endpoints on loopback by zone: gRPC takes no locality without a weight. */
export function endpoints(
  name: string,
  zones: Readonly<Record<string, readonly number[]>>,
  more: Record<string, unknown> = {},
): ResourceInput {
  const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });
  const localities = Object.entries(zones).map(([zone, ports]) => ({
    locality: { region: "here", zone },
    load_balancing_weight: 1,
    lb_endpoints: ports.map((port) => ({ endpoint: { address: address(port) } })),
  }));
  return { "@type": ENDPOINTS, cluster_name: name, endpoints: localities, ...more };
}
