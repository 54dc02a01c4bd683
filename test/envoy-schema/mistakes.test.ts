import { describe, expect, test } from "vitest";
import { formatPath, type Problem } from "../../src/core/failure/problem.ts";
import { CLUSTER, ENDPOINTS, LISTENER, ROUTES } from "../../src/core/resource/type-url.ts";
import { testCodec } from "./codec-fixture.ts";

const codec = testCodec();
const HTTP_OPTIONS = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

function problemsOf(json: unknown): readonly Problem[] {
  const result = codec.encode(json);
  return "problems" in result ? result.problems : [];
}

const cluster = (fields: object): object => ({ "@type": CLUSTER, name: "a", ...fields });

/** What is wrong, where, in which class, and a word of the message or of the hint. */
const TABLE: readonly [what: string, json: unknown, path: string, code: string, words: RegExp][] = [
  [
    "a misspelt field",
    cluster({ conect_timeout: "1s" }),
    "conect_timeout",
    "unknown-field",
    /did you mean connect_timeout/,
  ],
  [
    "one in camelCase",
    cluster({ conectTimeout: "1s" }),
    "conectTimeout",
    "unknown-field",
    /did you mean connectTimeout/,
  ],
  [
    "one deep inside",
    cluster({ load_assignment: { cluster_name: "a", endpoints: [{ lbEndpoints: [{ endpoints: {} }] }] } }),
    "load_assignment.endpoints[0].lbEndpoints[0].endpoints",
    "unknown-field",
    /did you mean endpoint\?/,
  ],
  [
    "one inside of an Any",
    cluster({ typed_extension_protocol_options: { x: { "@type": HTTP_OPTIONS, explicit_http: {} } } }),
    "typed_extension_protocol_options.x.explicit_http",
    "unknown-field",
    /HttpProtocolOptions has no field/,
  ],
  [
    "a field like nothing there",
    cluster({ zzzzzzzzzz: 1 }),
    "zzzzzzzzzz",
    "unknown-field",
    /it has transport_socket_matches/,
  ],
  [
    "a list where an object belongs",
    cluster({ metadata: [] }),
    "metadata",
    "wrong-type",
    /an object \(Metadata\), not a list/,
  ],
  ["an object where a list belongs", cluster({ filters: {} }), "filters", "wrong-type", /a list, not an object/],
  ["a number for a string", cluster({ alt_stat_name: 5 }), "alt_stat_name", "wrong-type", /quotes/],
  ["half a character", cluster({ alt_stat_name: "\ud800" }), "alt_stat_name", "wrong-type", /surrogate/],
  [
    "a string for a bool",
    cluster({ ignore_health_on_host_removal: "true" }),
    "ignore_health_on_host_removal",
    "wrong-type",
    /true or false/,
  ],
  [
    "a word for a number",
    cluster({ per_connection_buffer_limit_bytes: "many" }),
    "per_connection_buffer_limit_bytes",
    "wrong-type",
    /plain digits/,
  ],
  [
    "hexadecimal",
    cluster({ per_connection_buffer_limit_bytes: "0x10" }),
    "per_connection_buffer_limit_bytes",
    "wrong-type",
    /plain digits/,
  ],
  [
    "a fraction",
    cluster({ per_connection_buffer_limit_bytes: 1.5 }),
    "per_connection_buffer_limit_bytes",
    "wrong-type",
    /not 1.5/,
  ],
  [
    "2^32 for a uint32",
    cluster({ per_connection_buffer_limit_bytes: 4294967296 }),
    "per_connection_buffer_limit_bytes",
    "out-of-range",
    /4294967295/,
  ],
  [
    "a negative uint32",
    cluster({ per_connection_buffer_limit_bytes: -1 }),
    "per_connection_buffer_limit_bytes",
    "out-of-range",
    /from 0/,
  ],
  [
    "no number",
    cluster({ upstream_connection_options: { tcp_keepalive: { keepalive_probes: Number.NaN } } }),
    "upstream_connection_options.tcp_keepalive.keepalive_probes",
    "wrong-type",
    /whole number/,
  ],
  ["a duration without its unit", cluster({ connect_timeout: "5" }), "connect_timeout", "wrong-type", /"1.5s"/],
  ["a duration in milliseconds", cluster({ connect_timeout: "250ms" }), "connect_timeout", "wrong-type", /not "250ms"/],
  [
    "a duration with something behind it",
    cluster({ connect_timeout: "1s or so" }),
    "connect_timeout",
    "wrong-type",
    /in seconds/,
  ],
  ["a duration as a number", cluster({ connect_timeout: 5 }), "connect_timeout", "wrong-type", /not number/],
  [
    "too long a duration",
    cluster({ connect_timeout: "315576000001s" }),
    "connect_timeout",
    "out-of-range",
    /10,000 years/,
  ],
  [
    "a misspelt enum",
    cluster({ lb_policy: "LEAST_REQUESTS" }),
    "lb_policy",
    "unknown-enum-value",
    /did you mean LEAST_REQUEST\?/,
  ],
  [
    "an enum number that is not there",
    cluster({ lb_policy: 77 }),
    "lb_policy",
    "unknown-enum-value",
    /"77" is no LbPolicy/,
  ],
  [
    "two of a oneof",
    cluster({ type: "EDS", cluster_type: { name: "x" } }),
    "cluster_type",
    "duplicate-oneof",
    /type and cluster_type|cluster_type and type/,
  ],
  ["both spellings", cluster({ lb_policy: "RANDOM", lbPolicy: "RANDOM" }), "lbPolicy", "duplicate-field", /twice/],
  [
    "an Any without @type",
    cluster({ transport_socket: { name: "x", typed_config: { sni: "a" } } }),
    "transport_socket.typed_config",
    "missing-type",
    /@type/,
  ],
  [
    "an empty Any",
    cluster({ transport_socket: { name: "x", typed_config: {} } }),
    "transport_socket.typed_config",
    "missing-type",
    /@type/,
  ],
  [
    "an unknown extension",
    cluster({ transport_socket: { name: "x", typed_config: { "@type": "type.googleapis.com/acme.Socket" } } }),
    "transport_socket.typed_config.@type",
    "unknown-type",
    /has no type "type.googleapis.com\/acme.Socket"/,
  ],
  [
    "an extension in the wrong package",
    cluster({
      transport_socket: { name: "x", typed_config: { "@type": "type.googleapis.com/envoy.tls.UpstreamTlsContext" } },
    }),
    "transport_socket.typed_config.@type",
    "unknown-type",
    /did you mean type.googleapis.com\/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext\?/,
  ],
  ["null in a list", cluster({ filters: [null] }), "filters[0]", "wrong-type", /nothing/],
  [
    "null in a map",
    cluster({ typed_extension_protocol_options: { x: null } }),
    "typed_extension_protocol_options.x",
    "wrong-type",
    /nothing/,
  ],
  [
    "a large number that JSON has rounded",
    {
      "@type": ROUTES,
      name: "r",
      virtual_hosts: [
        {
          name: "v",
          domains: ["*"],
          routes: [
            {
              match: { prefix: "/", headers: [{ name: "h", range_match: { start: 2 ** 53 + 2, end: "5" } }] },
              redirect: {},
            },
          ],
        },
      ],
    },
    "virtual_hosts[0].routes[0].match.headers[0].range_match.start",
    "out-of-range",
    /quotes/,
  ],
  ["no name", { "@type": CLUSTER }, "name", "missing-name", /is missing/],
  ["an empty name", { "@type": LISTENER, name: "" }, "name", "missing-name", /is missing/],
  ["no cluster name", { "@type": ENDPOINTS }, "cluster_name", "missing-name", /is missing/],
  ["no type", { name: "a" }, "(document)", "missing-type", /lacks @type/],
  [
    "a type that is no resource",
    { "@type": "type.googleapis.com/envoy.config.core.v3.Address" },
    "@type",
    "not-a-resource",
    /has no name/,
  ],
  [
    "a type of the language",
    { "@type": "type.googleapis.com/google.protobuf.Duration", value: "1s" },
    "@type",
    "not-a-resource",
    /no resource/,
  ],
  [
    "a misspelt type",
    { "@type": "type.googleapis.com/envoy.config.cluster.v3.Clutser", name: "a" },
    "@type",
    "unknown-type",
    /Cluster\?/,
  ],
  ["no object", ["a"], "(document)", "wrong-type", /not a list/],
  ["nothing", null, "(document)", "wrong-type", /not nothing/],
];

describe("a mistake in a resource", () => {
  test.each(TABLE)("%s is said with its place in the input's own spelling", (_, json, path, code, words) => {
    const found = problemsOf(json).map((problem) => ({ ...problem, at: formatPath(problem.path) }));
    const problem = found.find((one) => one.at === path && one.code === code);
    expect(problem, JSON.stringify(found)).toBeDefined();
    expect(`${problem?.message} (${problem?.hint})`).toMatch(words);
  });

  test("is told together with all others", () => {
    const found = problemsOf(cluster({ typ: "EDS", lb_policy: "X", connect_timeout: "0s", metadata: 5 }));
    expect(found.map(({ code }) => code)).toEqual(["unknown-field", "unknown-enum-value", "broken-rule", "wrong-type"]);
  });

  test("is told once where the name is missing, though the schema has a rule for it as well", () => {
    expect(problemsOf({ "@type": CLUSTER })).toHaveLength(1);
    expect(problemsOf({ "@type": ENDPOINTS, clusterName: "" })).toHaveLength(1);
  });

  test("a bootstrap is checked in the same way, with or without its type", () => {
    const type = "type.googleapis.com/envoy.config.bootstrap.v3.Bootstrap";
    expect(codec.check(type, { node: { id: "a", cluster: "b" } })).toEqual([]);
    expect(codec.check(type, { "@type": type, node: { id: "a" } })).toEqual([]);
    expect(codec.check(type, { nod: {} })).toMatchObject([{ path: ["nod"], code: "unknown-field" }]);
    expect(codec.check("type.googleapis.com/no.Such", {})).toMatchObject([{ code: "unknown-type" }]);
  });
});
