import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CLUSTER, ENDPOINTS, LISTENER, ROUTES } from "../../src/core/resource/type-url.ts";
import { testCodec } from "./codec-fixture.ts";

const codec = testCodec();

function codesOf(json: unknown): readonly string[] {
  const result = codec.encode(json);
  return "problems" in result ? result.problems.map(({ code }) => code) : [];
}

function nested(depth: number, wrap: (inner: unknown) => unknown, core: unknown): unknown {
  let json = core;
  for (let level = 0; level < depth; level++) json = wrap(json);
  return json;
}

describe("input that was made to do harm", () => {
  test.each([
    [
      "objects in a structure",
      (depth: number) => ({
        "@type": CLUSTER,
        name: "a",
        metadata: { filter_metadata: { x: nested(depth, (inner) => ({ x: inner }), {}) } },
      }),
    ],
    [
      "lists in a structure",
      (depth: number) => ({
        "@type": CLUSTER,
        name: "a",
        metadata: { filter_metadata: { x: { y: nested(depth, (inner) => [inner], 1) } } },
      }),
    ],
    [
      "rules within rules",
      (depth: number) => ({
        "@type": ROUTES,
        name: "r",
        virtual_hosts: [
          { name: "v", domains: ["*"], matcher: nested(depth, (matcher) => ({ on_no_match: { matcher } }), {}) },
        ],
      }),
    ],
    [
      "Anys within Anys",
      (depth: number) => ({
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        name: "x",
        typed_config: nested(
          depth,
          (typed_config) => ({
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
            name: "x",
            typed_config,
          }),
          { "@type": "type.googleapis.com/google.protobuf.Empty" },
        ),
      }),
    ],
  ])("%s, ten thousand deep, is too deep", (_, at) => {
    expect(codesOf(at(10_000))).toContain("too-deep");
    expect(codesOf(at(20))).not.toContain("too-deep");
  });

  test("an object that contains itself is too deep, however often it does", () => {
    const loop: Record<string, unknown> = {};
    loop["a"] = [loop, loop, loop];
    const codes = codesOf({ "@type": CLUSTER, name: "a", metadata: { filter_metadata: { loop } } });
    expect(new Set(codes)).toEqual(new Set(["too-deep"]));
    expect(codes.length).toBeLessThanOrEqual(100);
  });

  test("names of JavaScript's own are keys like others", () => {
    const text = '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"x": 1}}, "toString": 2}';
    const layer: unknown = JSON.parse(text);
    const type = "type.googleapis.com/envoy.service.runtime.v3.Runtime";
    const result = codec.encode({ "@type": type, name: "r", layer });
    const bytes = "resource" in result ? result.resource.bytes : new Uint8Array();
    expect(JSON.parse(JSON.stringify(codec.decode(type, bytes)["layer"]))).toEqual(layer);
    expect(JSON.stringify(codec.decodeRedacted(type, bytes)["layer"])).toContain("__proto__");
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    const named: unknown = JSON.parse(
      `{"@type": "${CLUSTER}", "name": "a", "__proto__": {}, "constructor": 1, "toString": 1}`,
    );
    expect(codesOf(named)).toEqual(["unknown-field", "unknown-field", "unknown-field"]);
    const map: unknown = JSON.parse(
      `{"@type": "${CLUSTER}", "name": "a", "typed_extension_protocol_options": {"__proto__": {}}}`,
    );
    expect(codesOf(map)).toEqual(["missing-type"]);
  });

  test("a hundred thousand mistakes are a hundred problems, soon", () => {
    const endpoints = Array.from({ length: 100_000 }, () => 5);
    expect(codesOf({ "@type": ENDPOINTS, cluster_name: "c", endpoints })).toHaveLength(100);
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`field${index}`, 1]));
    expect(codesOf({ "@type": ENDPOINTS, cluster_name: "c", ...many })).toHaveLength(100);
    const words = Array.from({ length: 1_000 }, () => ({ "@type": `type.googleapis.com/envoy.${"x".repeat(5_000)}` }));
    expect(
      codesOf({ "@type": LISTENER, name: "l", access_log: words.map((typed_config) => ({ name: "a", typed_config })) }),
    ).toHaveLength(100);
  }, 5_000);

  test.each([
    ["a function", () => 1],
    ["a symbol", Symbol("x")],
    ["a big integer", 10n],
    ["a date", new Date(0)],
    ["a map", new Map([["name", "a"]])],
    ["a number", 5],
    ["nothing at all", undefined],
    [
      "what throws when it is read",
      Object.defineProperty({}, "@type", {
        enumerable: true,
        get: () => {
          throw new Error("no");
        },
      }),
    ],
    [
      "what throws a level deeper",
      {
        "@type": CLUSTER,
        name: "a",
        get metadata(): unknown {
          throw new Error("no");
        },
      },
    ],
    ["symbols in fields", { "@type": CLUSTER, name: Symbol("x") }],
    ["a function in a field", { "@type": CLUSTER, name: "a", metadata: { filter_metadata: { x: { y: () => 1 } } } }],
    ["a big integer in a field", { "@type": CLUSTER, name: "a", per_connection_buffer_limit_bytes: 5n }],
    ["a list of nothing", { "@type": LISTENER, name: "l", filter_chains: Array.from({ length: 3 }) }],
  ])("%s is a problem, not a crash", (_, json) => {
    expect(codesOf(json).length).toBeGreaterThan(0);
  });

  const scalar = fc.oneof(
    fc.string(),
    fc.double(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt().map(String),
    fc.boolean(),
    fc.constantFrom(
      "1s",
      "-1.5s",
      "-0s",
      "1e3",
      "1.5",
      "NaN",
      "-Infinity",
      "-0",
      "0x1",
      "01",
      "EDS",
      "",
      "AAA",
      "AA==",
      "A=",
      "=",
    ),
    fc.constantFrom("2020-01-01T00:00:00Z", "2020-02-30T24:00:00Z", "0000-01-01T00:00:00Z", "18446744073709551615"),
  );

  test.each([
    ["a uint32", { per_connection_buffer_limit_bytes: "?" }],
    ["a duration", { cleanup_interval: "?" }],
    ["an enum", { lb_policy: "?" }],
    ["a bool", { common_lb_config: { ignore_new_hosts_until_first_hc: "?" } }],
    ["a double", { common_lb_config: { healthy_panic_threshold: { value: "?" } } }],
    ["a uint64", { ring_hash_lb_config: { maximum_ring_size: "?" } }],
    ["bytes", { health_checks: [{ tcp_health_check: { send: { binary: "?" } } }] }],
    ["a value", { metadata: { filter_metadata: { a: { b: "?" } } } }],
    ["a float in a wrapper", { preconnect_policy: { per_upstream_preconnect_ratio: "?" } }],
    ["a time", { typed_extension_protocol_options: { x: { "@type": "google.protobuf.Timestamp", value: "?" } } }],
    ["field names", { typed_extension_protocol_options: { x: { "@type": "google.protobuf.FieldMask", value: "?" } } }],
    ["an int64", { typed_extension_protocol_options: { x: { "@type": "google.protobuf.Int64Value", value: "?" } } }],
    ["an int32", { typed_extension_protocol_options: { x: { "@type": "google.protobuf.Int32Value", value: "?" } } }],
    ["a float", { typed_extension_protocol_options: { x: { "@type": "google.protobuf.FloatValue", value: "?" } } }],
  ])("whatever passes the reading as %s can be encoded: nothing is found without its place", (_, fields) => {
    const parts = JSON.stringify({ "@type": CLUSTER, name: "a", ...fields }).split('"?"');
    fc.assert(
      fc.property(scalar, (value) => {
        expect(codesOf(JSON.parse(parts.join(JSON.stringify(value))))).not.toContain("not-encodable");
      }),
      { numRuns: 300 },
    );
  });
});
