import type { Protocol, Service, ServiceVersion } from "../core/mesh/mesh.ts";
import { appCluster, versionCluster } from "../core/mesh/names.ts";
import { CLUSTER } from "../core/resource/type-url.ts";
import type { Codec } from "./codec.ts";
import { type Json, known, socketAddress } from "./json.ts";
import * as profile from "./profile.ts";

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/**
 * The Envoy cluster of a version. Its bytes depend on nothing that a rollout moves: any change of a cluster
 * rebuilds all its connections.
 */
export function clusterOf(service: Service, version: ServiceVersion, codec: Codec): Json {
  const name = versionCluster(service.name, version.name);
  return {
    "@type": CLUSTER,
    name,
    ...discovery(name, version),
    ...COMMON,
    lb_policy: "LEAST_REQUEST",
    least_request_lb_config: {
      slow_start_config: {
        slow_start_window: profile.SLOW_START.value,
        min_weight_percent: { value: profile.SLOW_START_LEAST.value },
      },
    },
    common_lb_config: { healthy_panic_threshold: { value: profile.PANIC_THRESHOLD.value } },
    circuit_breakers: breakers(service.retries.budgetPercent),
    outlier_detection: outlierDetection(codec),
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: httpOptions(version.protocol, version.source.kind === "dns"),
    },
  };
}

/** The application beside a sidecar. It is one process on the same host: nothing to balance, nothing to eject. */
export function appClusterOf(service: Service, app: { address: string; port: number }): Json {
  const name = appCluster(service.name);
  return {
    "@type": CLUSTER,
    name,
    type: "STATIC",
    ...COMMON,
    lb_policy: "ROUND_ROBIN",
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(app.address, app.port) } }] }],
    },
    circuit_breakers: breakers(service.retries.budgetPercent),
    typed_extension_protocol_options: { [HTTP_OPTIONS]: appOptions(service) },
  };
}

const COMMON: Json = {
  connect_timeout: profile.CONNECT_TIMEOUT.value,
  per_connection_buffer_limit_bytes: profile.UPSTREAM_BUFFER.value,
  upstream_connection_options: {
    tcp_keepalive: {
      keepalive_probes: profile.TCP_KEEPALIVE_PROBES.value,
      keepalive_time: profile.TCP_KEEPALIVE_IDLE_S.value,
      keepalive_interval: profile.TCP_KEEPALIVE_INTERVAL_S.value,
    },
  },
};

/** Where a configuration comes from that Envoy asks for over the stream it already has. */
export const OVER_ADS: Json = {
  ads: {},
  resource_api_version: "V3",
  initial_fetch_timeout: profile.FETCH_TIMEOUT.value,
};

function discovery(name: string, { source }: ServiceVersion): Json {
  if (source.kind === "endpoints") {
    return { type: "EDS", eds_cluster_config: { eds_config: OVER_ADS, service_name: name } };
  }
  return {
    type: "STRICT_DNS",
    dns_lookup_family: profile.DNS_FAMILY.value,
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(source.host, source.port) } }] }],
    },
  };
}

function breakers(budgetPercent: number): Json {
  const threshold = {
    priority: "DEFAULT",
    max_connections: profile.MAX_CONNECTIONS.value,
    max_pending_requests: profile.MAX_PENDING.value,
    max_requests: profile.MAX_REQUESTS.value,
    track_remaining: true,
    retry_budget: { budget_percent: { value: budgetPercent }, min_retry_concurrency: profile.MIN_RETRIES.value },
  };
  return { thresholds: [threshold] };
}

function outlierDetection(codec: Codec): Json {
  return known(codec, "envoy.config.cluster.v3.OutlierDetection", {
    consecutive_5xx: profile.OUTLIER_ERRORS.value,
    interval: profile.OUTLIER_INTERVAL.value,
    base_ejection_time: profile.OUTLIER_EJECTION.value,
    max_ejection_time_jitter: profile.OUTLIER_JITTER.value,
    max_ejection_percent: profile.OUTLIER_PERCENT.value,
    always_eject_one_host: profile.OUTLIER_ALWAYS_ONE.value,
    split_external_local_origin_errors: true,
  });
}

function httpOptions(protocol: Protocol, byName: boolean): Json {
  const http2 = protocol.kind === "http2";
  return {
    "@type": `type.googleapis.com/${HTTP_OPTIONS}`,
    common_http_protocol_options: {
      idle_timeout: (http2 ? profile.HTTP2_IDLE_TIMEOUT : profile.HTTP1_IDLE_TIMEOUT).value,
      ...(byName ? { max_connection_duration: profile.DNS_CONNECTION_AGE.value } : {}),
    },
    explicit_http_config: http2 ? { http2_protocol_options: HTTP2 } : { http_protocol_options: {} },
  };
}

/** A service whose versions differ has callers of both kinds; each is passed on as it came. */
function appOptions(service: Service): Json {
  const kinds = new Set(service.versions.map(({ protocol }) => protocol.kind));
  const [first] = service.versions;
  if (kinds.size < 2) return httpOptions(first?.protocol ?? { kind: "http2" }, false);
  return {
    "@type": `type.googleapis.com/${HTTP_OPTIONS}`,
    common_http_protocol_options: { idle_timeout: profile.HTTP1_IDLE_TIMEOUT.value },
    use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: HTTP2 },
  };
}

const HTTP2: Json = {
  max_concurrent_streams: profile.MAX_CONCURRENT_STREAMS.value,
  initial_stream_window_size: profile.STREAM_WINDOW.value,
  initial_connection_window_size: profile.CONNECTION_WINDOW.value,
  override_stream_error_on_invalid_http_message: true,
  connection_keepalive: {
    connection_idle_interval: profile.IDLE_PROBE.value,
    timeout: profile.PROBE_TIMEOUT.value,
  },
};
