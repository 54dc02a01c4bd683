import { describe, expect, test } from "vitest";
import { CLUSTER, LISTENER, ROUTES, shortTypeName, VIRTUAL_HOST } from "../../src/core/resource/type-url.ts";
import { testCodec } from "./codec-fixture.ts";

const codec = testCodec();

function refsOf(json: unknown): readonly string[] {
  const result = codec.encode(json);
  if ("problems" in result) throw new Error(JSON.stringify(result.problems));
  return result.resource.refs.map(({ typeUrl, name }) => `${shortTypeName(typeUrl)} ${name}`);
}

const type = (name: string): string => `type.googleapis.com/envoy.${name}`;
const FILTERS = "extensions.filters.network";
const ads = { ads: {}, resource_api_version: "V3" };
const file = { path_config_source: { path: "/etc/x.yaml" } };
const ownStream = { api_config_source: { api_type: "GRPC", grpc_services: [{ envoy_grpc: { cluster_name: "xds" } }] } };

const cluster = (fields: object): object => ({ "@type": CLUSTER, name: "a", ...fields });
const hcm = (fields: object): object => ({
  name: "hcm",
  typed_config: {
    "@type": type(`${FILTERS}.http_connection_manager.v3.HttpConnectionManager`),
    stat_prefix: "x",
    ...fields,
  },
});
const rds = (route_config_name: string, config_source: object = ads): object =>
  hcm({ rds: { route_config_name, config_source } });
const tcp = (fields: object): object => ({
  name: "tcp",
  typed_config: { "@type": type(`${FILTERS}.tcp_proxy.v3.TcpProxy`), stat_prefix: "x", ...fields },
});
const listener = (...filters: object[]): object => ({ "@type": LISTENER, name: "l", filter_chains: [{ filters }] });
const tls = (fields: object, kind = "Upstream"): object => ({
  name: "tls",
  typed_config: { "@type": type(`extensions.transport_sockets.tls.v3.${kind}TlsContext`), common_tls_context: fields },
});
const sds = (name: string, sds_config: object = ads): object => ({ name, sds_config });
const route = (action: object): object => ({ match: { prefix: "/" }, route: action });
const hosts = (...routes: object[]): object => ({ virtual_hosts: [{ name: "v", domains: ["*"], routes }] });

const TABLE: readonly [what: string, json: object, refs: readonly string[]][] = [
  [
    "an EDS cluster: its endpoints by its name",
    cluster({ type: "EDS", eds_cluster_config: { eds_config: ads } }),
    ["endpoints a"],
  ],
  [
    "… by the name it says",
    cluster({ type: 3, edsClusterConfig: { edsConfig: ads, serviceName: "b" } }),
    ["endpoints b"],
  ],
  [
    "… over a stream of its own, whose cluster is the bootstrap's",
    cluster({ type: "EDS", eds_cluster_config: { eds_config: ownStream } }),
    ["endpoints a"],
  ],
  ["… from a file", cluster({ type: "EDS", eds_cluster_config: { eds_config: file } }), []],
  ["a cluster of another type", cluster({ type: "STRICT_DNS", eds_cluster_config: { eds_config: ads } }), []],
  [
    "secrets of a cluster's transport, and of its alternatives",
    cluster({
      transport_socket: tls({
        tls_certificate_sds_secret_configs: [sds("cert"), sds("on-disk", file), { name: "of-the-bootstrap" }],
        combined_validation_context: {
          default_validation_context: {},
          validation_context_sds_secret_config: sds("ca"),
        },
      }),
      transport_socket_matches: [
        { name: "m", transport_socket: tls({ validation_context_sds_secret_config: sds("other-ca") }) },
      ],
    }),
    ["secrets ca", "secrets cert", "secrets other-ca"],
  ],
  [
    "an aggregate cluster",
    cluster({
      cluster_type: {
        name: "agg",
        typed_config: { "@type": type("extensions.clusters.aggregate.v3.ClusterConfig"), clusters: ["x", "y"] },
      },
    }),
    ["clusters x", "clusters y"],
  ],
  ["a listener's routes", listener(rds("r1"), rds("r2")), ["routes r1", "routes r2"]],
  ["… from a file", listener(rds("r1", file)), []],
  [
    "… of the default filter chain",
    { "@type": LISTENER, name: "l", default_filter_chain: { filters: [rds("r")] } },
    ["routes r"],
  ],
  [
    "… of the API listener",
    {
      "@type": LISTENER,
      name: "l",
      api_listener: { api_listener: (rds("r") as { typed_config: object }).typed_config },
    },
    ["routes r"],
  ],
  [
    "a listener's secrets",
    {
      "@type": LISTENER,
      name: "l",
      filter_chains: [{ transport_socket: tls({ tls_certificate_sds_secret_configs: [sds("server")] }, "Downstream") }],
    },
    ["secrets server"],
  ],
  [
    "scoped routes",
    listener(
      hcm({
        scoped_routes: {
          name: "s",
          scope_key_builder: { fragments: [{ header_value_extractor: { name: "h" } }] },
          rds_config_source: ads,
          scoped_route_configurations_list: {
            scoped_route_configurations: [
              { name: "one", route_configuration_name: "r1", key: { fragments: [{ string_key: "a" }] } },
              { name: "two", route_configuration_name: "r2", key: { fragments: [{ string_key: "b" }] } },
            ],
          },
        },
      }),
    ),
    ["routes r1", "routes r2"],
  ],
  [
    "clusters of routes that stand in the listener",
    listener(hcm({ route_config: hosts(route({ cluster: "x" })) })),
    ["clusters x"],
  ],
  ["the cluster of a TCP proxy", listener(tcp({ cluster: "x" })), ["clusters x"]],
  [
    "weighted clusters of a TCP proxy",
    listener(
      tcp({
        weighted_clusters: {
          clusters: [
            { name: "x", weight: 1 },
            { name: "y", weight: 1 },
          ],
        },
      }),
    ),
    ["clusters x", "clusters y"],
  ],
  [
    "a filter that is asked for by its name",
    listener(
      hcm({
        route_config: {},
        http_filters: [{ name: "wasm", config_discovery: { config_source: ads, type_urls: ["x"] } }],
      }),
    ),
    ["extension configs wasm"],
  ],
  [
    "clusters of filters and of access logs",
    listener(
      hcm({
        route_config: {},
        access_log: [
          {
            name: "grpc",
            typed_config: {
              "@type": type("extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig"),
              common_config: {
                log_name: "l",
                transport_api_version: "V3",
                grpc_service: { envoy_grpc: { cluster_name: "logs" } },
              },
            },
          },
        ],
        http_filters: [
          {
            name: "authz",
            typed_config: {
              "@type": type("extensions.filters.http.ext_authz.v3.ExtAuthz"),
              transport_api_version: "V3",
              http_service: { server_uri: { uri: "http://x", cluster: "authz", timeout: "1s" } },
            },
          },
        ],
      }),
    ),
    ["clusters authz", "clusters logs"],
  ],
  [
    "clusters of routes: named, weighted, mirrored, but not chosen by a header",
    {
      "@type": ROUTES,
      name: "r",
      request_mirror_policies: [{ cluster: "all-mirror" }],
      ...hosts(
        route({ cluster: "b", request_mirror_policies: [{ cluster: "mirror" }] }),
        route({ cluster: "b" }),
        route({ cluster_header: "x-cluster" }),
        route({
          weighted_clusters: {
            clusters: [
              { name: "w1", weight: 1 },
              { name: "w2", weight: 0 },
              { cluster_header: "h", weight: 1 },
            ],
          },
        }),
      ),
    },
    ["clusters all-mirror", "clusters b", "clusters mirror", "clusters w1", "clusters w2"],
  ],
  [
    "a virtual host on its own",
    { "@type": VIRTUAL_HOST, name: "r/v", domains: ["a"], routes: [route({ cluster: "x" })] },
    ["clusters x"],
  ],
  [
    "routes that have none",
    { "@type": ROUTES, name: "r", ...hosts({ match: { prefix: "/" }, direct_response: { status: 200 } }) },
    [],
  ],
];

describe("P67 the references of a resource", () => {
  test.each(TABLE)("%s", (_, json, refs) => {
    expect(refsOf(json)).toEqual(refs);
  });

  test("do not depend on the order of keys", () => {
    const routes = hosts(route({ cluster: "z" }), route({ cluster: "a" }));
    expect(refsOf({ "@type": ROUTES, name: "r", ...routes })).toEqual(
      refsOf({ ...routes, name: "r", "@type": ROUTES }),
    );
  });
});
