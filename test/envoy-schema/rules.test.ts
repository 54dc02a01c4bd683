import { describe, expect, test } from "vitest";
import { formatPath } from "../../src/core/failure/problem.ts";
import { CLUSTER, ENDPOINTS, LISTENER, ROUTES, SECRET } from "../../src/core/resource/type-url.ts";
import { testCodec } from "./codec-fixture.ts";

const codec = testCodec();

function brokenIn(json: unknown): readonly string[] {
  const result = codec.encode(json);
  if ("resource" in result) return [];
  return result.problems.map(({ path, message, code }) => `${code} ${formatPath(path)}: ${message}`);
}

const type = (name: string): string => `type.googleapis.com/envoy.${name}`;
const HCM = type("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager");
const HTTP_OPTIONS = type("extensions.upstreams.http.v3.HttpProtocolOptions");

const cluster = (fields: object): object => ({ "@type": CLUSTER, name: "a", ...fields });
const listener = (typed_config: object): object => ({
  "@type": LISTENER,
  name: "l",
  filter_chains: [{ filters: [{ name: "hcm", typed_config }] }],
});
const routes = (route: object): object => ({
  "@type": ROUTES,
  name: "r",
  virtual_hosts: [{ name: "v", domains: ["*"], routes: [route] }],
});
const endpoints = (endpoint: object): object => ({
  "@type": ENDPOINTS,
  cluster_name: "c",
  endpoints: [{ lb_endpoints: [endpoint] }],
});
const address = (port_value: unknown, host = "127.0.0.1"): object => ({
  endpoint: { address: { socket_address: { address: host, port_value } } },
});
const options = (explicit_http_config: object): object =>
  cluster({ typed_extension_protocol_options: { h: { "@type": HTTP_OPTIONS, explicit_http_config } } });

const H2 = "typed_extension_protocol_options.h.explicit_http_config.http2_protocol_options";
const FIRST_ROUTE = "virtual_hosts[0].routes[0]";
const FIRST_ENDPOINT = "endpoints[0].lb_endpoints[0]";

/** What breaks a rule, where, and what is said. */
const BROKEN: readonly [json: object, said: string][] = [
  [
    listener({ "@type": HCM, rds: { route_config_name: "r", config_source: { ads: {} } } }),
    "filter_chains[0].filters[0].typed_config.stat_prefix: must not be empty",
  ],
  [
    options({ http2_protocol_options: { initial_stream_window_size: 1 } }),
    `${H2}.initial_stream_window_size: must be at least 65535`,
  ],
  [
    options({ http2_protocol_options: { max_concurrent_streams: 0 } }),
    `${H2}.max_concurrent_streams: must be at least 1`,
  ],
  [
    options({}),
    "typed_extension_protocol_options.h.explicit_http_config: needs one of http_protocol_options, http2_protocol_options, http3_protocol_options",
  ],
  [cluster({ connect_timeout: "0s" }), "connect_timeout: must be greater than 0s"],
  [cluster({ connect_timeout: "-1s" }), "connect_timeout: must be greater than 0s"],
  [cluster({ connect_timeout: "0.0000000001s" }), "connect_timeout: expected a duration"],
  [cluster({ eds_cluster_config: { eds_config: {} } }), "eds_cluster_config.eds_config: needs one of path"],
  [cluster({ edsClusterConfig: { edsConfig: {} } }), "edsClusterConfig.edsConfig: needs one of path"],
  [cluster({ transport_socket: {} }), "transport_socket.name: must not be empty"],
  [cluster({ health_checks: [{ tcp_health_check: {} }] }), "health_checks[0].timeout: is required"],
  [
    cluster({ typed_extension_protocol_options: { x: { "@type": ENDPOINTS } } }),
    "typed_extension_protocol_options.x.cluster_name: must not be empty",
  ],
  [
    cluster({ lb_subset_config: { subset_selectors: [{ keys: ["a"], fallback_policy: 9 }] } }),
    'lb_subset_config.subset_selectors[0].fallback_policy: "9" is no',
  ],
  [endpoints(address(70_000)), `${FIRST_ENDPOINT}.endpoint.address.socket_address.port_value: must be at most 65535`],
  [endpoints(address(80, "")), `${FIRST_ENDPOINT}.endpoint.address.socket_address.address: must not be empty`],
  [
    endpoints({ endpoint: { address: { socket_address: { address: "a" } } } }),
    `${FIRST_ENDPOINT}.endpoint.address.socket_address: needs one of port_value, named_port`,
  ],
  [
    endpoints({ ...address(80), load_balancing_weight: 0 }),
    `${FIRST_ENDPOINT}.load_balancing_weight: must be at least 1`,
  ],
  [
    { "@type": ENDPOINTS, cluster_name: "c", endpoints: [{ priority: 129 }] },
    "endpoints[0].priority: must be at most 128",
  ],
  [{ "@type": ROUTES, name: "r", virtual_hosts: [{ name: "v" }] }, "virtual_hosts[0].domains: must not be empty"],
  [
    { "@type": ROUTES, name: "r", virtual_hosts: [{ name: "v", domains: ["a\nb"] }] },
    "virtual_hosts[0].domains[0]: must be the value of a header",
  ],
  [routes({ match: { prefix: "/" } }), `${FIRST_ROUTE}: needs one of route, redirect`],
  [routes({ redirect: {} }), `${FIRST_ROUTE}.match: is required`],
  [routes({ match: {}, redirect: {} }), `${FIRST_ROUTE}.match: needs one of prefix, path`],
  [
    routes({ match: { prefix: "/" }, route: { weighted_clusters: {} } }),
    `${FIRST_ROUTE}.route.weighted_clusters.clusters: must not be empty`,
  ],
  [routes({ match: { prefix: "/", headers: [{ name: "a b:", present_match: true }] }, redirect: {} }), ""],
  [
    routes({ match: { prefix: "/", headers: [{ name: "a\n", present_match: true }] }, redirect: {} }),
    `${FIRST_ROUTE}.match.headers[0].name: must be the name of a header`,
  ],
  [
    routes({ match: { prefix: "/" }, redirect: {}, request_headers_to_remove: ["ok", "no\r"] }),
    `${FIRST_ROUTE}.request_headers_to_remove[1]: must be the name of a header`,
  ],
  [
    routes({
      match: { prefix: "/" },
      route: { cluster: "c", retry_policy: { retry_back_off: { base_interval: "0s" } } },
    }),
    `${FIRST_ROUTE}.route.retry_policy.retry_back_off.base_interval: must be greater than 0s`,
  ],
  [
    routes({ match: { path_separated_prefix: "/a/" }, redirect: {} }),
    `${FIRST_ROUTE}.match.path_separated_prefix: must match`,
  ],
];

describe("a rule of the schema", () => {
  test.each(BROKEN)("is held against %j", (json, said) => {
    const broken = brokenIn(json);
    if (said === "") expect(broken).toEqual([]);
    else
      expect(
        broken.filter((line) => line.includes(` ${said}`)),
        JSON.stringify(broken),
      ).toHaveLength(1);
  });

  test.each([
    ["an absent field of a oneof", cluster({})],
    [
      "a zero where zero is a value",
      routes({
        match: { prefix: "/" },
        route: {
          timeout: "0s",
          weighted_clusters: {
            clusters: [
              { name: "a", weight: 0 },
              { name: "b", weight: 1 },
            ],
          },
        },
      }),
    ],
    ["an absent wrapper", endpoints(address(80))],
    [
      "an unused message with required fields",
      listener({ "@type": HCM, stat_prefix: "x", rds: { route_config_name: "r", config_source: { ads: {} } } }),
    ],
    ["an empty prefix", routes({ match: { prefix: "" }, redirect: {} })],
    ["an optional header value that is empty", routes({ match: { prefix: "/" }, redirect: { host_redirect: "" } })],
    [
      "a header that is empty",
      routes({ match: { prefix: "/" }, redirect: {}, request_headers_to_add: [{ header: { key: "x", value: "" } }] }),
    ],
    ["a number in quotes", endpoints({ ...address("443"), load_balancing_weight: "4294967295" })],
    ["a secret", { "@type": SECRET, name: "s", tls_certificate: { private_key: { filename: "/k" } } }],
  ])("does not mind %s", (_, json) => {
    expect(brokenIn(json)).toEqual([]);
  });

  test("is held against everything inside, with all that is broken", () => {
    const broken = brokenIn(
      cluster({ connect_timeout: "0s", transport_socket: {}, load_assignment: { endpoints: [{ priority: 200 }] } }),
    );
    expect(broken.map((line) => line.split(":")[0])).toEqual([
      "broken-rule connect_timeout",
      "broken-rule transport_socket.name",
      "broken-rule load_assignment.endpoints[0].priority",
      "broken-rule load_assignment.cluster_name",
    ]);
  });

  test("does not count for load reports, which Envoys send without what it asks for", () => {
    const report = { cluster_name: "c", upstream_locality_stats: [], load_report_interval: "1s" };
    expect(codec.check(type("service.load_stats.v3.LoadStatsRequest"), { cluster_stats: [report] })).toEqual([]);
    expect(codec.check(type("config.endpoint.v3.ClusterStats"), {})).toEqual([]);
  });

  test("counts for a bootstrap", () => {
    const problems = codec.check(type("config.bootstrap.v3.Bootstrap"), { static_resources: { clusters: [{}] } });
    expect(problems).toMatchObject([{ path: ["static_resources", "clusters", 0, "name"], code: "broken-rule" }]);
  });
});
