import { LAB_CLUSTER } from "./mesh-text.ts";

/** The bootstrap of an Envoy of the lab: ADS from `xds`, admin on a free port. */
export function labBootstrap(id: string, xds: string, delta = false): Readonly<Record<string, unknown>> {
  const ads = { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" };
  const retry_policy = { retry_back_off: { base_interval: "0.1s", max_interval: "1s" } };
  return {
    node: { id, cluster: LAB_CLUSTER },
    admin: { address: address("127.0.0.1:0") },
    dynamic_resources: {
      ads_config: {
        api_type: delta ? "DELTA_GRPC" : "GRPC",
        transport_api_version: "V3",
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: "xds", retry_policy } }],
      },
      cds_config: ads,
      lds_config: ads,
    },
    static_resources: { clusters: [xdsCluster(xds)] },
  };
}

function xdsCluster(xds: string): unknown {
  const keepalive = { interval: "30s", timeout: "5s" };
  return {
    name: "xds",
    connect_timeout: "1s",
    load_assignment: { cluster_name: "xds", endpoints: [{ lb_endpoints: [{ endpoint: { address: address(xds) } }] }] },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: { http2_protocol_options: { connection_keepalive: keepalive } },
      },
    },
  };
}

function address(text: string): unknown {
  const [host, port] = text.split(":");
  return { socket_address: { address: host, port_value: Number(port) } };
}
