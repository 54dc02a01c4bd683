import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Resource } from "../../src/core/resource/resource.ts";
import { CLUSTER, ENDPOINTS, LISTENER } from "../../src/core/resource/type-url.ts";
import { openRegistry } from "../../src/envoy/registry.ts";
import { digest, testCodec, testSet } from "./codec-fixture.ts";

const codec = testCodec();

function encoded(json: unknown): Resource {
  const result = codec.encode(json);
  if ("problems" in result) throw new Error(JSON.stringify(result.problems));
  return result.resource;
}

const full = {
  "@type": CLUSTER,
  name: "reviews@v1",
  type: "EDS",
  connect_timeout: "0.250s",
  eds_cluster_config: { eds_config: { ads: {}, resource_api_version: "V3" } },
  per_connection_buffer_limit_bytes: 32768,
  metadata: {
    filter_metadata: {
      b: { list: [1, "two", null, true, { z: 1, a: [] }], nothing: null },
      a: { deep: { deeper: { deepest: 0.5 } } },
      "10": {},
      "9": {},
    },
  },
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: { max_concurrent_streams: 100 } },
    },
  },
};

/** The same content with the keys of every object in another order. */
function shuffled(json: unknown, order: (keys: string[]) => string[]): unknown {
  if (Array.isArray(json)) return json.map((item) => shuffled(item, order));
  if (typeof json !== "object" || json === null) return json;
  const object = json as Record<string, unknown>;
  return Object.fromEntries(order(Object.keys(object)).map((key) => [key, shuffled(object[key], order)]));
}

describe("the bytes of a resource", () => {
  test("do not depend on the order of keys, in messages, maps, structures and Anys", () => {
    const { version, bytes } = encoded(full);
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (random) => {
        const order = (keys: string[]): string[] => {
          const ranked = keys.map((key) => [Number(random.next().value), key] as const);
          return ranked.sort(([a], [b]) => a - b).map(([, key]) => key);
        };
        const again = encoded(shuffled(full, order));
        expect(again.bytes).toEqual(bytes);
        expect(again.version).toBe(version);
      }),
      { numRuns: 50 },
    );
  });

  test("have the version of their digest", () => {
    const { version, bytes } = encoded(full);
    expect(Buffer.from(version, "base64url").toString("hex")).toBe(digest(bytes).slice(0, 32));
    expect(bytes.buffer.byteLength).toBe(bytes.byteLength);
  });

  test.each([
    ["camelCase", { "@type": CLUSTER, name: "a", connectTimeout: "1s", edsClusterConfig: { serviceName: "b" } }],
    [
      "nulls",
      {
        "@type": CLUSTER,
        name: "a",
        connect_timeout: "1s",
        eds_cluster_config: { service_name: "b" },
        metadata: null,
        cluster_type: null,
        type: null,
      },
    ],
    [
      "numbers for enums",
      { "@type": CLUSTER, name: "a", type: 0, connect_timeout: "1.000s", eds_cluster_config: { service_name: "b" } },
    ],
    [
      "a bare type",
      {
        "@type": "envoy.config.cluster.v3.Cluster",
        name: "a",
        connect_timeout: "1s",
        eds_cluster_config: { service_name: "b" },
      },
    ],
    [
      "absent values",
      {
        "@type": CLUSTER,
        name: "a",
        connect_timeout: "1s",
        eds_cluster_config: { service_name: "b" },
        filters: undefined,
      },
    ],
  ])("are the same with %s", (_, json) => {
    const plain = encoded({
      "@type": CLUSTER,
      name: "a",
      connect_timeout: "1s",
      eds_cluster_config: { service_name: "b" },
    });
    const { type, ...rest } = json as { type?: unknown };
    expect(encoded(type === 0 ? { ...rest, type: "STATIC" } : json).typeUrl).toBe(CLUSTER);
    if (type !== 0) expect(encoded(json).bytes).toEqual(plain.bytes);
    else expect(encoded(json).bytes).toEqual(encoded({ ...rest, type: "STATIC" }).bytes);
  });

  test("a null member of a oneof is not set, and leaves room for another", () => {
    const resource = encoded({
      "@type": CLUSTER,
      name: "a",
      connect_timeout: "1s",
      type: null,
      cluster_type: { name: "x", typed_config: null },
    });
    expect(codec.decode(CLUSTER, resource.bytes)).toMatchObject({ cluster_type: { name: "x" } });
  });

  test("give back the JSON that they were made of", () => {
    const { typeUrl, name, bytes } = encoded(full);
    expect([typeUrl, name]).toEqual([CLUSTER, "reviews@v1"]);
    expect(Object.keys(codec.decode(typeUrl, bytes))[0]).toBe("@type");
    expect(JSON.parse(JSON.stringify(codec.decode(typeUrl, bytes)))).toEqual({ ...full, connect_timeout: "0.250s" });
  });

  test("64-bit numbers in quotes, infinite floats and bytes come back as they were", () => {
    const json = {
      "@type": "type.googleapis.com/envoy.service.runtime.v3.Runtime",
      name: "rtds",
      layer: { share: 0.1, on: true, list: [1e300] },
    };
    expect(JSON.parse(JSON.stringify(codec.decode(json["@type"], encoded(json).bytes)))).toEqual(json);
    const tls = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
    const secret = { "@type": tls, name: "s", generic_secret: { secret: { inline_bytes: "aGVsbG8=" } } };
    expect(JSON.parse(JSON.stringify(codec.decode(tls, encoded(secret).bytes)))).toEqual(secret);
    expect(encoded({ ...secret, generic_secret: { secret: { inlineBytes: "aGVsbG8" } } }).bytes).toEqual(
      encoded(secret).bytes,
    );
  });

  test("any structure comes back as it was", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue({ maxDepth: 5 })), (layer) => {
        const json = { "@type": "type.googleapis.com/envoy.service.runtime.v3.Runtime", name: "r", layer };
        const back = JSON.parse(JSON.stringify(codec.decode(json["@type"], encoded(json).bytes)));
        expect(back.layer).toEqual(JSON.parse(JSON.stringify(layer)));
      }),
      { numRuns: 200 },
    );
  });

  test("name endpoints by their cluster, and anything else by its name", () => {
    expect(encoded({ "@type": ENDPOINTS, clusterName: "c" })).toMatchObject({ name: "c", typeUrl: ENDPOINTS });
    expect(encoded({ "@type": LISTENER, name: "l" })).toMatchObject({ name: "l", typeUrl: LISTENER });
    const ecds = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
    const typed_config = { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" };
    expect(encoded({ "@type": ecds, name: "router", typed_config })).toMatchObject({ name: "router" });
  });
});

test("every field of the schema has both spellings, and no field is called nothing", () => {
  const fields = [...openRegistry(testSet().set)].flatMap((type) => (type.kind === "message" ? type.fields : []));
  const wrong = fields.filter(
    ({ name, jsonName }) => jsonName !== name.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase()),
  );
  expect(wrong.map(String)).toEqual([]);
  expect(codec.encode({ "@type": CLUSTER, name: "a", "": 1 })).toMatchObject({ problems: [{ code: "unknown-field" }] });
});

describe("bytes that the schema does not know", () => {
  const unknown = "type.googleapis.com/acme.Filter";

  test("are shown as they are, as a resource and inside of one", () => {
    expect(codec.decode(unknown, new Uint8Array([1, 2, 3]))).toEqual({ "@type": unknown, value: "AQID" });
    const any = new Uint8Array([10, unknown.length, ...new TextEncoder().encode(unknown), 18, 3, 1, 2, 3]);
    const socket = new Uint8Array([10, 1, 120, 26, any.length, ...any]);
    const cluster = new Uint8Array([10, 1, 97, 0xc2, 0x01, socket.length, ...socket]);
    expect(codec.decode(CLUSTER, cluster)).toMatchObject({
      name: "a",
      transport_socket: { name: "x", typed_config: { "@type": unknown, value: "AQID" } },
    });
    expect(codec.decodeRedacted(CLUSTER, cluster)).toMatchObject({
      transport_socket: { typed_config: { "@type": unknown, value: "[redacted]" } },
    });
  });

  test("are shown as they are where they do not decode", () => {
    expect(codec.decode(CLUSTER, new Uint8Array([10, 200]))).toEqual({ "@type": CLUSTER, value: "Csg=" });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => "@type" in codec.decode(LISTENER, bytes)));
  });
});

test("the schema says which fields there are", () => {
  expect(codec.hasField("envoy.config.cluster.v3.Cluster", "connect_timeout")).toBe(true);
  expect(codec.hasField("envoy.config.cluster.v3.Cluster", "connectTimeout")).toBe(false);
  expect(codec.hasField("envoy.config.cluster.v3.Nothing", "name")).toBe(false);
});
