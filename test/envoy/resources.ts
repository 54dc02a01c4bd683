import type { ResourceInput } from "../../src/index.ts";

/** How an Envoy gets its resources: over one stream for all types or one for each, in which dialect. */
export interface Transport {
  readonly ads: boolean;
  readonly api: "GRPC" | "DELTA_GRPC" | "REST";
}

/** A `ConfigSource`, as resources name it that have others below them. */
export type Source = Readonly<Record<string, unknown>>;

const TYPES = "type.googleapis.com/envoy";
const HTTP2 = {
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": `${TYPES}.extensions.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http2_protocol_options: { max_concurrent_streams: 100 } },
  },
};

/** Where resources come from over this transport. Long enough a time-out that nothing ends by it unnoticed. */
export function sourceOf(transport: Transport, initial_fetch_timeout = "15s"): Source {
  const common = { resource_api_version: "V3", initial_fetch_timeout };
  return transport.ads ? { ads: {}, ...common } : { api_config_source: apiSource(transport.api), ...common };
}

/** `envoy_grpc`, or polls, of the cluster `xds`; back within 0.1 s. */
function apiSource(api_type: Transport["api"], max_receive_message_length?: number): Source {
  const common = { api_type, transport_api_version: "V3" };
  if (api_type === "REST") return { ...common, cluster_names: ["xds"], refresh_delay: "0.1s", request_timeout: "5s" };
  const retry_policy = { retry_back_off: { base_interval: "0.05s", max_interval: "0.1s" } };
  return {
    ...common,
    grpc_services: [{ envoy_grpc: { cluster_name: "xds", retry_policy, max_receive_message_length } }],
  };
}

export function socketAddress(text: string): Readonly<Record<string, unknown>> {
  const [address, port] = text.split(":");
  return { socket_address: { address, port_value: Number(port) } };
}

const endpointsAt = (upstreams: readonly string[]) => [
  { lb_endpoints: upstreams.map((address) => ({ endpoint: { address: socketAddress(address) } })) },
];

export interface BootstrapOptions {
  readonly id: string;
  readonly transport: Transport;
  /** `127.0.0.1:PORT` of the server. */
  readonly xds: string;
  /** The longest response that it takes, in bytes. */
  readonly maxReceiveBytes?: number;
  /** More of the bootstrap. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** The bootstrap of an Envoy that gets clusters and listeners over a transport. */
export function bootstrapOf({
  id,
  transport,
  xds,
  maxReceiveBytes,
  more = {},
}: BootstrapOptions): Readonly<Record<string, unknown>> {
  const source = sourceOf(transport);
  const ads_config = { ...apiSource(transport.api, maxReceiveBytes), set_node_on_first_message_only: true };
  return {
    node: { id, cluster: "edge" },
    admin: { address: socketAddress("127.0.0.1:0") },
    dynamic_resources: { cds_config: source, lds_config: source, ...(transport.ads && { ads_config }) },
    static_resources: {
      clusters: [
        {
          name: "xds",
          connect_timeout: "1s",
          load_assignment: { cluster_name: "xds", endpoints: endpointsAt([xds]) },
          ...(transport.api === "REST" ? {} : { typed_extension_protocol_options: HTTP2 }),
        },
      ],
    },
    ...more,
  };
}

/** A cluster over HTTP/2 whose endpoints come from `eds`, or are part of it where they are given. */
export function clusterOf(name: string, of: Source | readonly string[], connect_timeout = "5s"): ResourceInput {
  const common = { "@type": `${TYPES}.config.cluster.v3.Cluster`, name, connect_timeout };
  const protocol = { typed_extension_protocol_options: HTTP2 };
  return Array.isArray(of)
    ? { ...common, ...protocol, type: "STATIC", load_assignment: { cluster_name: name, endpoints: endpointsAt(of) } }
    : { ...common, ...protocol, type: "EDS", eds_cluster_config: { eds_config: of } };
}

export function endpointsOf(cluster_name: string, ...upstreams: readonly string[]): ResourceInput {
  return {
    "@type": `${TYPES}.config.endpoint.v3.ClusterLoadAssignment`,
    cluster_name,
    endpoints: upstreams.length === 0 ? [] : endpointsAt(upstreams),
  };
}

/** A route by prefix to a cluster, or to several in equal shares. */
export function routeTo(prefix: string, ...clusters: readonly string[]): Readonly<Record<string, unknown>> {
  const shares = clusters.map((name) => ({ name, weight: 1 }));
  const [only] = clusters;
  const to = clusters.length === 1 ? { cluster: only } : { weighted_clusters: { clusters: shares } };
  return { match: { prefix }, route: { ...to, timeout: "10s" } };
}

type Routes = readonly Readonly<Record<string, unknown>>[];

const hostsOf = (routes: Routes) => [{ name: "all", domains: ["*"], routes }];

export function routesOf(name: string, ...routes: Routes): ResourceInput {
  return { "@type": `${TYPES}.config.route.v3.RouteConfiguration`, name, virtual_hosts: hostsOf(routes) };
}

export interface ListenerOptions {
  readonly name: string;
  readonly address: string;
  /** The name of a route configuration and where it comes from, or the routes themselves. */
  readonly routes: { readonly rds: string; readonly source: Source } | Routes;
  /** HTTP filters before the router. */
  readonly filters?: readonly Readonly<Record<string, unknown>>[];
  /** More of the connection manager; a change of it is a change of the filter chain alone. */
  readonly manager?: Readonly<Record<string, unknown>>;
  /** More of the listener; a change of it replaces the listener. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** A listener for HTTP/2 without TLS. */
export function listenerOf({ name, address, routes, filters = [], manager, more }: ListenerOptions): ResourceInput {
  const router = { name: "router", typed_config: { "@type": `${TYPES}.extensions.filters.http.router.v3.Router` } };
  const typed_config = {
    "@type": `${TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    codec_type: "HTTP2",
    http_filters: [...filters, router],
    ...("rds" in routes
      ? { rds: { route_config_name: routes.rds, config_source: routes.source } }
      : { route_config: { name: `${name}-inline`, virtual_hosts: hostsOf(routes) } }),
    ...manager,
  };
  return {
    "@type": `${TYPES}.config.listener.v3.Listener`,
    name,
    address: socketAddress(address),
    filter_chains: [{ filters: [{ name: "http", typed_config }] }],
    ...more,
  };
}
