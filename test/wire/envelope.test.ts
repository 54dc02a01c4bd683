import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Resource } from "../../src/core/resource/resource.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import type { Dialect, Response, SentResource } from "../../src/core/xds/message.ts";
import { readNode } from "../../src/grpc/node-reader.ts";
import { RequestReader } from "../../src/grpc/request-reader.ts";
import { ResponseBytes } from "../../src/grpc/response-bytes.ts";
import { GrpcError } from "../../src/grpc/status.ts";
import { message } from "./ads-client.ts";

// What Belay reads and writes by hand, against protobufjs with the schema in proto/.

/** Text as it can be in a proto: no lone surrogates. */
const text = fc.string({ unit: "binary", maxLength: 40 });
const names = fc.array(fc.oneof(text, fc.constantFrom("a", "b", "*", "")), { maxLength: 60 });
const error = fc.option(fc.record({ code: fc.integer({ min: -20, max: 20 }), message: text }), { nil: undefined });
const node = fc.option(fc.uint8Array({ minLength: 1, maxLength: 50 }), { nil: undefined });

const withoutUndefined = (value: object): object =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));

describe("requests are read as they were written", () => {
  test("state of the world", () => {
    const reader = new RequestReader();
    const request = fc.record({
      versionInfo: text,
      typeUrl: text,
      responseNonce: text,
      resourceNames: names,
      errorDetail: error,
      node,
    });
    fc.assert(
      fc.property(request, fc.boolean(), (wanted, twice) => {
        const bytes = message("DiscoveryRequest").serialize(withoutUndefined(wanted));
        if (twice) reader.sotw(bytes);
        const { versionInfo, typeUrl, responseNonce: nonce, resourceNames, errorDetail } = wanted;
        const expected = { versionInfo, typeUrl, nonce, names: resourceNames, error: errorDetail };
        const read = reader.sotw(bytes);
        expect(read.request).toEqual(withoutUndefined(expected));
        expect(read.node).toEqual(wanted.node === undefined ? undefined : Buffer.from(wanted.node));
      }),
      { numRuns: 1_000 },
    );
  });

  test("P58 but for long words about a refusal, and long versions of what a client has: they are cut where they are read", () => {
    const reader = new RequestReader();
    const long = `${"é".repeat(20_000)}`;
    const errorDetail = { code: 13, message: long };
    const sotw = reader.sotw(message("DiscoveryRequest").serialize({ typeUrl: CLUSTER, errorDetail })).request;
    expect(sotw.error).toEqual({ code: 13, message: long.slice(0, 8_192) });
    const initialResourceVersions = { a: long, b: "1" };
    const request = { typeUrl: CLUSTER, errorDetail, initialResourceVersions };
    const delta = reader.delta(message("DeltaDiscoveryRequest").serialize(request)).request;
    expect(delta.error?.message).toBe(long.slice(0, 8_192));
    expect([...delta.initialVersions]).toEqual([
      ["a", long.slice(0, 512)],
      ["b", "1"],
    ]);
  });

  test("delta", () => {
    const reader = new RequestReader();
    const request = fc.record({
      typeUrl: text,
      responseNonce: text,
      resourceNamesSubscribe: names,
      resourceNamesUnsubscribe: names,
      initialResourceVersions: fc.array(fc.tuple(text, text), { maxLength: 20 }),
      errorDetail: error,
      node,
    });
    fc.assert(
      fc.property(request, fc.boolean(), (wanted, twice) => {
        const versions = Object.fromEntries(wanted.initialResourceVersions.filter(([name]) => name !== "__proto__"));
        const bytes = message("DeltaDiscoveryRequest").serialize(
          withoutUndefined({ ...wanted, initialResourceVersions: versions }),
        );
        if (twice) reader.delta(bytes);
        expect(reader.delta(bytes).request).toEqual(
          withoutUndefined({
            typeUrl: wanted.typeUrl,
            nonce: wanted.responseNonce,
            subscribe: wanted.resourceNamesSubscribe,
            unsubscribe: wanted.resourceNamesUnsubscribe,
            initialVersions: new Map(Object.entries(versions)),
            error: wanted.errorDetail,
          }),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test("names that stand in two places of a message are all read", () => {
    const part = (resourceNames: string[]) => message("DiscoveryRequest").serialize({ resourceNames });
    const first = part(Array.from({ length: 30 }, (_, index) => `first-${index}`));
    const between = message("DiscoveryRequest").serialize({ versionInfo: "7" });
    const second = part(["last"]);
    const reader = new RequestReader();
    for (const bytes of [Buffer.concat([first, between, second]), Buffer.concat([first, second]), first]) {
      const expected = message("DiscoveryRequest").deserialize(bytes)["resourceNames"];
      expect(reader.sotw(bytes).request.names).toEqual(expected);
      expect(reader.sotw(bytes).request.names).toEqual(expected);
    }
  });

  test("a long list that is sent again is the same list, and not read again", () => {
    const reader = new RequestReader();
    const resourceNames = Array.from({ length: 1_000 }, (_, index) => `c-${index}`);
    const first = reader.sotw(message("DiscoveryRequest").serialize({ resourceNames, versionInfo: "1" }));
    const again = reader.sotw(
      message("DiscoveryRequest").serialize({ resourceNames, versionInfo: "2", responseNonce: "n" }),
    );
    expect(again.request.names).toBe(first.request.names);
  });

  test("whatever bytes come, they are read or refused with INVALID_ARGUMENT", () => {
    const reader = new RequestReader();
    const valid = message("DeltaDiscoveryRequest").serialize({
      node: Buffer.alloc(30, 1),
      resourceNamesSubscribe: ["a", "b".repeat(200)],
      initialResourceVersions: { a: "1", b: "2" },
      errorDetail: { code: 13, message: "no" },
    });
    const mutated = fc
      .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 })
      .map((changes) => {
        const bytes = Buffer.from(valid);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(mutated, noise), (bytes) => {
        for (const read of [() => reader.delta(bytes), () => reader.sotw(bytes), () => readNode(bytes)]) {
          try {
            read();
          } catch (refused) {
            expect(refused).toBeInstanceOf(GrpcError);
            expect((refused as GrpcError).status.code).toBe(3);
          }
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("a node", () => {
  test("is read with its labels in order; labels that are no strings are left out", () => {
    const bytes = message("Node").serialize({
      id: "n",
      cluster: "c",
      metadata: { fields: { z: { stringValue: "last" }, a: { stringValue: "" }, n: {} } },
      locality: { region: "r", zone: "z", subZone: "s" },
      userAgentName: "envoy",
      userAgentVersion: "as said",
    });
    expect(readNode(bytes)).toEqual({
      id: "n",
      cluster: "c",
      labels: { a: "", z: "last" },
      zone: "z",
      envoyVersion: "as said",
    });
    expect(Object.keys(readNode(bytes).labels)).toEqual(["a", "z"]);
  });

  test("has the version of its build where it says one", () => {
    const built = {
      userAgentVersion: "other",
      userAgentBuildVersion: { version: { majorNumber: 1, minorNumber: 40, patch: 300 } },
    };
    expect(readNode(message("Node").serialize(built)).envoyVersion).toBe("1.40.300");
  });

  describe("has what it is built with", () => {
    const router = { category: "envoy.filters.http", name: "envoy.filters.http.router" };
    const lua = { category: "envoy.filters.http", name: "envoy.filters.http.lua" };
    const tls = { category: "envoy.transport_sockets.upstream", name: "envoy.transport_sockets.tls" };
    const read = (extensions: object[]) => readNode(message("Node").serialize({ id: "n", extensions })).extensions;

    test("by category, in order, and as one value for all that say the same", () => {
      const list = read([tls, router, lua]);
      expect(list).toEqual({
        "envoy.filters.http": ["envoy.filters.http.lua", "envoy.filters.http.router"],
        "envoy.transport_sockets.upstream": ["envoy.transport_sockets.tls"],
      });
      expect(read([tls, router, lua])).toBe(list);
      expect(read([lua, tls, router])).toBe(list);
      expect(read([tls, lua])).not.toBe(list);
    });

    test("unless it says nothing, or more than an Envoy would", () => {
      expect(read([])).toBeUndefined();
      expect(read([{ ...router, name: "x".repeat(201) }])).toBeUndefined();
      expect(read(Array.from({ length: 5_001 }, (_, index) => ({ name: `${index}` })))).toBeUndefined();
      const long = (index: number) => ({ name: `${index}`.padStart(150, "x") });
      expect(read(Array.from({ length: 800 }, (_, index) => long(index)))).toBeDefined();
      expect(read(Array.from({ length: 900 }, (_, index) => long(index)))).toBeUndefined();
    });

    test("P58 within bounds: a client that says something else each time is not kept", () => {
      const kept = Array.from({ length: 200 }, (_, index) => read([{ ...router, name: `made-up-${index}` }]));
      expect(kept.filter((list) => list !== undefined).length).toBeLessThanOrEqual(64);
    });
  });

  test("cannot give an object another prototype by its labels", () => {
    const bytes = Buffer.concat([
      // metadata { fields { key: "__proto__" value { string_value: "x" } } }
      Buffer.from([0x1a, 0x12, 0x0a, 0x10, 0x0a, 0x09]),
      Buffer.from("__proto__"),
      Buffer.from([0x12, 0x03, 0x1a, 0x01, 0x78]),
    ]);
    const { labels } = readNode(bytes);
    expect(Object.getPrototypeOf(labels)).toBe(Object.prototype);
    expect(Object.entries(labels)).toEqual([["__proto__", "x"]]);
  });
});

const resource = (name: string, bytes: Uint8Array): Resource => ({
  typeUrl: CLUSTER,
  name,
  version: `v-${name}`,
  bytes,
  refs: [],
});

function responseOf(resources: readonly Resource[], removed: readonly string[] = []): Response {
  return { typeUrl: CLUSTER, nonce: "tag-00000001", version: "1", resources, removed };
}

describe.each(["sotw", "delta"] as const)("responses are written as they are to be read, %s", (dialect: Dialect) => {
  const decode = (parts: readonly Uint8Array[]) => {
    const bytes = Buffer.concat(parts);
    expect(bytes[0]).toBe(0);
    expect(bytes.readUInt32BE(1)).toBe(bytes.length - 5);
    return message(dialect === "sotw" ? "DiscoveryResponse" : "DeltaDiscoveryResponse").deserialize(bytes.subarray(5));
  };

  test("any resources, names and nonces", () => {
    const bytes = new ResponseBytes(() => "belay r7");
    const aliases = fc.array(text, { maxLength: 3 });
    const isBodiless = fc.constant(true as const);
    const ttlMs = fc.integer({ min: 1, max: 86_400_000 });
    const asFound =
      dialect === "sotw" ? fc.constant({}) : fc.record({ aliases, isBodiless, ttlMs }, { requiredKeys: [] });
    const resources = fc.array(fc.tuple(text, fc.uint8Array({ maxLength: 300 }), asFound), { maxLength: 20 });
    fc.assert(
      fc.property(resources, fc.array(text, { maxLength: 5 }), text, text, (list, gone, version, nonce) => {
        const made: SentResource[] = list.map(([name, content, found]) => ({ ...resource(name, content), ...found }));
        const removed = dialect === "sotw" ? [] : gone;
        const read = decode(bytes.framed(dialect, { typeUrl: CLUSTER, nonce, version, resources: made, removed }));
        const anys = made.map((one) => ({ typeUrl: CLUSTER, value: Buffer.from(one.bytes) }));
        const shared = { typeUrl: CLUSTER, nonce, controlPlane: { identifier: "belay r7" } };
        const wrapped = made.map(({ name, version: own, aliases = [], isBodiless, ttlMs: ms }, index) => {
          const ttl =
            ms === undefined ? null : { seconds: String(Math.trunc(ms / 1_000)), nanos: (ms % 1_000) * 1_000_000 };
          return { name, version: own, aliases, ttl, resource: isBodiless === true ? null : anys[index] };
        });
        expect(read).toEqual(
          dialect === "sotw"
            ? { ...shared, versionInfo: version, resources: anys }
            : { ...shared, systemVersionInfo: version, resources: wrapped, removedResources: removed },
        );
      }),
      { numRuns: 500 },
    );
  });

  test("P60 streams in the same state share everything but the nonce, and content decides what is the same", () => {
    const bytes = new ResponseBytes(() => "belay");
    const large = resource("large", Buffer.alloc(10_000, 1));
    const [body, tail] = bytes.framed(dialect, responseOf([large]));
    const [again, other] = bytes.framed(dialect, { ...responseOf([large]), nonce: "tag-00000002" });
    expect(again).toBe(body);
    expect(decode([again as Uint8Array, other as Uint8Array])["nonce"]).toBe("tag-00000002");
    expect(tail?.length).toBeLessThan(20);
    expect(bytes.framed(dialect, responseOf([large], ["gone"]))[0]).not.toBe(body);
    expect(bytes.framed(dialect, { ...responseOf([large]), version: "2" })[0]).not.toBe(body);
    expect(bytes.framed(dialect, responseOf([resource("large", Buffer.alloc(10_000, 2))]))[0]).not.toBe(body);
    expect(bytes.framed(dialect, responseOf([large]))[0]).toBe(body);
  });

  test("who presents itself differently is told so", () => {
    let identifier = "belay r1";
    const bytes = new ResponseBytes(() => identifier);
    const before = bytes.framed(dialect, responseOf([]));
    identifier = "belay r2";
    expect(decode(before)["controlPlane"]).toEqual({ identifier: "belay r1" });
    expect(decode(bytes.framed(dialect, responseOf([])))["controlPlane"]).toEqual({ identifier: "belay r2" });
  });
});
