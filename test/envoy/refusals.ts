/** A mistake that only an Envoy can find: valid protobuf, within every rule of the schema, and refused all the same. */
export interface RefusedResource {
  readonly what: string;
  /** Raw resources of a mesh file. */
  readonly yaml: string;
  /** Part of what Envoy 1.40.0 says. */
  readonly words: string;
}

const raw = (yaml: string): string => `  - nodes: { cluster: edge }\n${yaml.replaceAll(/^/gm, "    ").trimEnd()}\n`;

const endpoint = `load_assignment:
  cluster_name: extra
  endpoints:
    - lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 9 } } } }]`;

const cluster = (more: string): string =>
  raw(`"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
name: extra
connect_timeout: 1s
type: STATIC
${endpoint}
${more}`);

const listener = (filters: string, more = ""): string =>
  raw(`"@type": type.googleapis.com/envoy.config.listener.v3.Listener
name: extra
address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
${more}filter_chains:
  - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: extra
          route_config: { name: inline, virtual_hosts: [] }
          http_filters: ${filters}`);

const ROUTER =
  '{ name: router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }';
const CORS =
  '{ name: cors, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors } }';

/** A private key that is none, with a word in it that must never be seen again. */
export const KEY_MARK = "QmVsYXlOb3RBS2V5";
const PEM = (kind: string): string => `-----BEGIN ${kind}-----\\n${KEY_MARK}\\n-----END ${kind}-----\\n`;

/** Six kinds of refusals, over clusters and listeners. */
export const REFUSED: readonly RefusedResource[] = [
  {
    what: "a cluster that trusts a file which no host has",
    yaml: cluster(`transport_socket:
  name: envoy.transport_sockets.tls
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
    common_tls_context: { validation_context: { trusted_ca: { filename: /nowhere/ca.pem } } }`),
    words: "Invalid path: /nowhere/ca.pem",
  },
  {
    what: "a cluster that negotiates its protocol without TLS",
    yaml: cluster(`typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    auto_config: {}`),
    words: "ALPN configured for cluster extra which has a non-ALPN transport socket",
  },
  {
    what: "a cluster with a certificate that is none, its private key beside it",
    yaml: cluster(`transport_socket:
  name: envoy.transport_sockets.tls
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
    common_tls_context:
      tls_certificates:
        - certificate_chain: { inline_string: "${PEM("CERTIFICATE")}" }
          private_key: { inline_string: "${PEM("PRIVATE KEY")}" }`),
    words: "Failed to load certificate chain from <inline>",
  },
  {
    what: "a listener whose last filter is not the router",
    yaml: listener(`[${ROUTER}, ${CORS}]`),
    words: "must be the last filter in a http filter chain",
  },
  {
    what: "a listener at an address that the gateway has",
    yaml: listener(`[${ROUTER}]`).replace("port_value: 0", "port_value: GATEWAY_PORT"),
    words: "has duplicate address",
  },
  {
    what: "a listener that writes its access log into a folder which is not there",
    yaml: listener(
      `[${ROUTER}]`,
      `access_log:
  - name: file
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
      path: /nowhere/access.log
`,
    ),
    words: "unable to open file '/nowhere/access.log'",
  },
];
