import { XDS_CLUSTER } from "../core/mesh/names.ts";
import { type Json, socketAddress } from "./json.ts";
import * as profile from "./profile.ts";

/** Paths are of the Envoy's host, in PEM. Envoy reads them once, when it starts. */
export interface BootstrapTls {
  /** Belay's certificate is verified against this, and must name `sni` or, without it, the address of Belay. */
  readonly ca: string;
  /** The Envoy's own certificate, which Belay knows it by. */
  readonly client?: { readonly cert: string; readonly key: string };
  /** The name that is asked for, where Belay's address is not that of its certificate. */
  readonly sni?: string;
}

export interface BootstrapOptions {
  readonly node: {
    readonly id: string;
    readonly cluster: string;
    /** Become strings in `node.metadata`. */
    readonly labels?: Readonly<Record<string, string>>;
    readonly zone?: string;
  };
  /** Where Belay serves xDS: an IP address (without brackets) or a host name. */
  readonly xds: { readonly host: string; readonly port: number };
  /** How the connection to Belay is secured; without it it is plain text. */
  readonly tls?: BootstrapTls;
  /** Delta instead of state-of-the-world. */
  readonly delta?: boolean;
  /** Where Envoy's own admin interface listens; without it there is none. */
  readonly admin?: { readonly address: string; readonly port: number };
  /** Envoy tells Belay how many of its requests to each cluster succeed and fail, as often as Belay asks for it. */
  readonly loadReports?: boolean;
  /** Bounds of the wait before Envoy asks again after it lost Belay, in milliseconds. */
  readonly retryBaseMs?: number;
  readonly retryMaxMs?: number;
}

/**
 * The file that an Envoy starts with, as Envoy's JSON: who it is, and where everything else comes from. Start-up waits for
 * clusters and listeners without a bound, so that an Envoy is never live with a part of its configuration.
 */
export function bootstrap(options: BootstrapOptions): Json {
  const { admin } = options;
  return {
    node: nodeOf(options.node),
    ...(admin === undefined ? {} : { admin: { address: socketAddress(admin.address, admin.port) } }),
    dynamic_resources: dynamicResources(options),
    ...(options.loadReports === true ? { cluster_manager: { load_stats_config: LOAD_REPORTS } } : {}),
    static_resources: { clusters: [xdsCluster(options)] },
    layered_runtime: { layers: RUNTIME_LAYERS },
    overload_manager: OVERLOAD,
  };
}

function nodeOf({ id, cluster, labels, zone }: BootstrapOptions["node"]): Json {
  return {
    id,
    cluster,
    ...(labels === undefined || Object.keys(labels).length === 0 ? {} : { metadata: labels }),
    ...(zone === undefined || zone === "" ? {} : { locality: { zone } }),
  };
}

function dynamicResources({ delta, retryBaseMs, retryMaxMs }: BootstrapOptions): Json {
  const overAds = { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" };
  const backOff = {
    base_interval: `${(retryBaseMs ?? profile.XDS_RETRY_BASE_MS.value) / 1000}s`,
    max_interval: `${(retryMaxMs ?? profile.XDS_RETRY_MAX_MS.value) / 1000}s`,
  };
  return {
    ads_config: {
      api_type: delta === true ? "DELTA_GRPC" : "GRPC",
      transport_api_version: "V3",
      // The description of a node is 61 KB, and a stream needs it once.
      set_node_on_first_message_only: true,
      grpc_services: [{ envoy_grpc: { cluster_name: XDS_CLUSTER, retry_policy: { retry_back_off: backOff } } }],
    },
    cds_config: overAds,
    lds_config: overAds,
  };
}

function xdsCluster({ xds: { host, port }, tls }: BootstrapOptions): Json {
  return {
    name: XDS_CLUSTER,
    ...(isIpAddress(host) ? { type: "STATIC" } : { type: "STRICT_DNS", dns_lookup_family: profile.DNS_FAMILY.value }),
    connect_timeout: profile.CONNECT_TIMEOUT.value,
    load_assignment: {
      cluster_name: XDS_CLUSTER,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(host, port) } }] }],
    },
    ...(tls === undefined ? {} : { transport_socket: transportSocket(host, tls) }),
    circuit_breakers: {
      thresholds: [
        {
          max_connections: profile.XDS_BREAKER.value,
          max_pending_requests: profile.XDS_BREAKER.value,
          max_requests: profile.XDS_BREAKER.value,
        },
      ],
    },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: {
          http2_protocol_options: {
            connection_keepalive: {
              interval: profile.XDS_PING.value,
              timeout: profile.PROBE_TIMEOUT.value,
            },
          },
        },
      },
    },
  };
}

/**
 * The name in the certificate is compared too: whoever has any other certificate of the same CA, such as another Envoy, is
 * not Belay.
 */
function transportSocket(host: string, { ca, client, sni }: BootstrapTls): Json {
  const isAddress = sni === undefined && isIpAddress(host);
  const matcher = { san_type: isAddress ? "IP_ADDRESS" : "DNS", matcher: { exact: sni ?? host } };
  const own =
    client === undefined
      ? []
      : [{ ...dataSource("certificate_chain", client.cert), ...dataSource("private_key", client.key) }];
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      ...(isAddress ? {} : { sni: sni ?? host }),
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: "TLSv1_2" },
        alpn_protocols: ["h2"],
        ...(own.length === 0 ? {} : { tls_certificates: own }),
        validation_context: { ...dataSource("trusted_ca", ca), match_typed_subject_alt_names: [matcher] },
      },
    },
  };
}

function dataSource(field: string, filename: string): Json {
  return { [field]: { filename } };
}

/** Over the connection that there is already. */
const LOAD_REPORTS: Json = {
  api_type: "GRPC",
  transport_api_version: "V3",
  grpc_services: [{ envoy_grpc: { cluster_name: XDS_CLUSTER } }],
};

/** An IPv4 address, or anything with a colon: host names have none. */
function isIpAddress(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || host.includes(":");
}

/*
 * No layer is fetched: Envoy asks for a runtime layer before everything else, and an answer that does not come
 * would hold start-up back. The last layer lets an operator override a value at the admin interface.
 */
const RUNTIME_LAYERS: readonly Json[] = [
  {
    name: "static",
    static_layer: { re2: { max_program_size: { error_level: profile.REGEX_PROGRAM_SIZE.value } } },
  },
  { name: "admin", admin_layer: {} },
];

const OVERLOAD: Json = {
  resource_monitors: [
    {
      name: "envoy.resource_monitors.global_downstream_max_connections",
      typed_config: {
        "@type":
          "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        max_active_downstream_connections: profile.CLIENT_CONNECTIONS.value,
      },
    },
  ],
};
