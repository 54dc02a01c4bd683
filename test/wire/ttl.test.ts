import { afterEach, describe, expect, test } from "vitest";
import { CLUSTER, ENDPOINTS, EXTENSION_CONFIG, RUNTIME, SECRET } from "../../src/core/resource/type-url.ts";
import { SnapshotCache, SnapshotError, snapshot, XdsServer } from "../../src/index.ts";
import { AdsClient, message, nodeBytes, unaryCall } from "./ads-client.ts";

const RESOURCE = "type.googleapis.com/envoy.service.discovery.v3.Resource";
const layer = (percent: number) => ({ "@type": RUNTIME, name: "faults", layer: { "fault.http.abort": percent } });
const node = nodeBytes({ id: "n1", cluster: "edge" });

/** The problems of resources that cannot be used, as places and codes. */
function problemsOf(resources: readonly unknown[]): unknown[] {
  try {
    snapshot({ resources: resources as never });
    return [];
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    return error.problems.map(({ path, code }) => [...path, code]);
  }
}

describe("resources with a time to live", () => {
  test("P53 are taken of types that Envoy drops when it is over, and refused of those that crash it", () => {
    expect(problemsOf([{ resource: layer(1), ttlMs: 1_000 }])).toEqual([]);
    const config = { "@type": EXTENSION_CONFIG, name: "f", typed_config: { "@type": RUNTIME, name: "x" } };
    expect(problemsOf([{ resource: config, ttlMs: 1_000 }])).toEqual([]);
    const unsafe = [
      { "@type": CLUSTER, name: "a" },
      { "@type": ENDPOINTS, cluster_name: "a" },
      { typeUrl: SECRET, name: "s", bytes: new Uint8Array() },
    ];
    expect(problemsOf(unsafe.map((resource) => ({ resource, ttlMs: 1_000 })))).toEqual([
      [0, "ttlMs", "unsafe-ttl"],
      [1, "ttlMs", "unsafe-ttl"],
      [2, "ttlMs", "unsafe-ttl"],
    ]);
  });

  test("take no other times, and tell what is wrong inside", () => {
    const times = [0, 99, 100.5, 86_400_001, Number.NaN, "1s", undefined];
    expect(problemsOf(times.map((ttlMs, index) => ({ resource: { ...layer(1), name: `f${index}` }, ttlMs })))).toEqual(
      times.map((_, index) => [index, "ttlMs", "out-of-range"]),
    );
    expect(problemsOf([{ resource: { ...layer(1), nmae: "x" }, ttlMs: 1_000 }])).toEqual([
      [0, "resource", "nmae", "unknown-field"],
    ]);
    expect(problemsOf([{ resource: null, ttlMs: 1_000 }])).toEqual([[0, "missing-type"]]);
  });

  test("have another version with another time, for a client has to hear of it", () => {
    const versions = [{ resource: layer(1), ttlMs: 1_000 }, { resource: layer(1), ttlMs: 2_000 }, layer(1)].map((one) =>
      snapshot({ resources: [one] }).version(RUNTIME),
    );
    expect(new Set(versions).size).toBe(3);
  });
});

describe("over the wire", () => {
  let close: () => Promise<void> = async () => {};
  afterEach(() => close());

  async function serve() {
    const cache = new SnapshotCache();
    const server = new XdsServer({ cache });
    const { port } = await server.listen("127.0.0.1:0");
    close = () => server.close({ graceMs: 100 });
    cache.set("", snapshot({ resources: [{ resource: layer(100), ttlMs: 1_500 }] }));
    return `127.0.0.1:${port}`;
  }

  test("delta says the time beside the content, and renews by the name alone", async () => {
    const client = new AdsClient(await serve(), "delta");
    client.send({ node, typeUrl: RUNTIME, resourceNamesSubscribe: ["faults"] });
    const { resources, nonce } = await client.next();
    expect(resources).toMatchObject([{ name: "faults", ttl: { seconds: "1", nanos: 500_000_000 } }]);
    const [first] = resources;
    expect(first?.["resource"]).toMatchObject({ typeUrl: RUNTIME });
    client.send({ typeUrl: RUNTIME, responseNonce: nonce });
    const renewed = await client.next();
    expect(renewed.resources).toEqual([{ ...first, resource: null }]);
    client.close();
  });

  test("state of the world wraps the content, and renews with all of it", async () => {
    const client = new AdsClient(await serve(), "sotw");
    client.send({ node, typeUrl: RUNTIME, resourceNames: ["faults"] });
    const response = await client.next();
    expect(response.typeUrl).toBe(RUNTIME);
    const [first] = response.resources;
    expect(first?.["typeUrl"]).toBe(RESOURCE);
    const inside = message("Resource").deserialize(first?.["value"] as Buffer);
    expect(inside).toMatchObject({ name: "faults", ttl: { seconds: "1" }, resource: { typeUrl: RUNTIME } });
    const { versionInfo, nonce } = response;
    client.send({ typeUrl: RUNTIME, resourceNames: ["faults"], versionInfo, responseNonce: nonce });
    expect((await client.next()).resources).toEqual(response.resources);
    client.close();
  });

  test("who polls is given no time, for no heartbeat would reach it", async () => {
    const method = "/envoy.service.runtime.v3.RuntimeDiscoveryService/FetchRuntime";
    const answer = await unaryCall(await serve(), method, { node, typeUrl: RUNTIME, resourceNames: ["faults"] });
    expect(answer).toMatchObject({ response: { resources: [{ typeUrl: RUNTIME }] } });
  });
});
