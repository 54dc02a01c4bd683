/** A static bootstrap with one gateway on a free port in front of one cluster: an Envoy without a control plane. */
export function staticBootstrap(options: {
  readonly upstream: string;
  /** What the cluster speaks; streams are Envoy's own limit on a connection. */
  readonly protocol: { readonly http2Streams: number } | "http1";
}): Readonly<Record<string, unknown>> {
  return {
    node: { id: "static-1", cluster: "edge" },
    admin: { address: address("127.0.0.1:0") },
    static_resources: { listeners: [listener()], clusters: [cluster(options)] },
  };
}

function address(text: string): unknown {
  const [host, port] = text.split(":");
  return { socket_address: { address: host, port_value: Number(port) } };
}

function listener(): unknown {
  const router = { name: "router", typed_config: { "@type": `${EXTENSIONS}.filters.http.router.v3.Router` } };
  const routes = [{ match: { prefix: "/" }, route: { cluster: "upstream", timeout: "30s" } }];
  const manager = {
    "@type": `${EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "edge",
    http_filters: [router],
    route_config: { name: "edge", virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
  };
  const filters = [{ name: "http", typed_config: manager }];
  return { name: "edge", address: address("127.0.0.1:0"), filter_chains: [{ filters }] };
}

function cluster({ upstream, protocol }: Parameters<typeof staticBootstrap>[0]): unknown {
  const limits = { max_connections: 10_000, max_pending_requests: 10_000, max_requests: 10_000 };
  const explicit =
    protocol === "http1"
      ? { http_protocol_options: {} }
      : { http2_protocol_options: { max_concurrent_streams: protocol.http2Streams } };
  return {
    name: "upstream",
    connect_timeout: "5s",
    circuit_breakers: { thresholds: [limits] },
    load_assignment: {
      cluster_name: "upstream",
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstream) } }] }],
    },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: explicit,
      },
    },
  };
}

const EXTENSIONS = "type.googleapis.com/envoy.extensions";
