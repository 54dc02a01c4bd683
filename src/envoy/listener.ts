import type { HostPort } from "../core/mesh/mesh.ts";
import { LISTENER } from "../core/resource/type-url.ts";
import { OVER_ADS } from "./cluster.ts";
import { type Json, socketAddress } from "./json.ts";
import * as profile from "./profile.ts";

const EXTENSIONS = "type.googleapis.com/envoy.extensions.filters";

/** Whom a listener serves: clients that nobody knows, or Envoys and applications of the mesh. */
export type Audience = "edge" | "mesh";

/**
 * A listener whose routes come from the route configuration of the same name. Nothing in it depends on routes or weights:
 * most changes of a listener close the connections of its clients.
 */
export function listenerOf(
  name: string,
  listen: HostPort,
  audience: Audience,
  direction: "INBOUND" | "OUTBOUND",
): Json {
  return {
    "@type": LISTENER,
    name,
    address: socketAddress(listen.address, listen.port),
    traffic_direction: direction,
    per_connection_buffer_limit_bytes: (audience === "edge" ? profile.EDGE_BUFFER : profile.UPSTREAM_BUFFER).value,
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: connectionManager(name, audience),
          },
        ],
      },
    ],
  };
}

function connectionManager(name: string, audience: Audience): Json {
  return {
    "@type": `${EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    codec_type: "AUTO",
    rds: { route_config_name: name, config_source: OVER_ADS },
    http_filters: [
      { name: "envoy.filters.http.router", typed_config: { "@type": `${EXTENSIONS}.http.router.v3.Router` } },
    ],
    // At the edge the client is who connects, whatever its headers say.
    use_remote_address: audience === "edge",
    normalize_path: true,
    merge_slashes: false,
    stream_idle_timeout: `${profile.STREAM_IDLE_TIMEOUT_S.value}s`,
    request_headers_timeout: profile.REQUEST_HEADERS_TIMEOUT.value,
    drain_timeout: profile.DRAIN_TIMEOUT.value,
    common_http_protocol_options: {
      idle_timeout: profile.CLIENT_IDLE_TIMEOUT.value,
      // Many frameworks read `a_b` and `a-b` as one header: a way round whatever checks the other.
      ...(audience === "edge" ? { headers_with_underscores_action: "REJECT_REQUEST" } : {}),
    },
    http2_protocol_options: http2(audience),
  };
}

function http2(audience: Audience): Json {
  const edge = audience === "edge";
  return {
    max_concurrent_streams: profile.MAX_CONCURRENT_STREAMS.value,
    initial_stream_window_size: (edge ? profile.EDGE_STREAM_WINDOW : profile.STREAM_WINDOW).value,
    initial_connection_window_size: (edge ? profile.EDGE_CONNECTION_WINDOW : profile.CONNECTION_WINDOW).value,
    override_stream_error_on_invalid_http_message: true,
  };
}
