import { afterEach, describe, expect, test } from "vitest";
import { CLUSTER, ENDPOINTS } from "../../src/core/resource/type-url.ts";
import { SnapshotCache, SnapshotError, snapshot, XdsServer } from "../../src/index.ts";
import { AdsClient, nodeBytes } from "./ads-client.ts";

const BASE = "xdstp://authority/envoy.config.endpoint.v3.ClusterLoadAssignment";
const endpoints = (clusterName: string) => ({ "@type": ENDPOINTS, clusterName });
const node = nodeBytes({
  id: "n1",
  cluster: "edge",
  clientFeatures: ["envoy.lb.does_not_support_overprovisioning", "xds.config.resource-in-sotw"],
  dynamicParameters: { [ENDPOINTS]: { params: { k: "v" } } },
});

describe("names that are URLs, over the wire", () => {
  let close: () => Promise<void> = async () => {};
  afterEach(() => close());

  async function connect(dialect: "sotw" | "delta") {
    const cache = new SnapshotCache();
    const server = new XdsServer({ cache });
    const { port } = await server.listen("127.0.0.1:0");
    const client = new AdsClient(`127.0.0.1:${port}`, dialect);
    close = async () => {
      client.close();
      await server.close({ graceMs: 100 });
    };
    return { cache, client };
  }

  test("U11 a collection is what is in it: what comes, changes and goes is told, in delta", async () => {
    const { cache, client } = await connect("delta");
    cache.set("", snapshot({ resources: [endpoints(`${BASE}/shop/a?z=2&k=1`), endpoints(`${BASE}/shop/b`)] }));
    client.send({ node, typeUrl: ENDPOINTS, resourceNamesSubscribe: [`${BASE}/shop/*?k=1&z=2`] });
    const first = await client.next();
    expect(first.resources.map(({ name }) => name)).toEqual([`${BASE}/shop/a?k=1&z=2`]);
    client.send({ typeUrl: ENDPOINTS, responseNonce: first.nonce });
    cache.update("", {
      set: [endpoints(`${BASE}/shop/new?k=1&z=2`)],
      remove: [{ typeUrl: ENDPOINTS, name: `${BASE}/shop/a?k=1&z=2` }],
    });
    const second = await client.next();
    expect(second.resources.map(({ name }) => name)).toEqual([`${BASE}/shop/new?k=1&z=2`]);
    expect(second.removedResources).toEqual([`${BASE}/shop/a?k=1&z=2`]);
    client.send({ typeUrl: ENDPOINTS, responseNonce: second.nonce });
    expect((await cache.converged("")).acked).toEqual(["n1"]);
  });

  test("U11 an empty collection is answered at once", async () => {
    const { cache, client } = await connect("delta");
    cache.set("", snapshot({ resources: [endpoints("plain")] }));
    client.send({ node, typeUrl: ENDPOINTS, resourceNamesSubscribe: [`${BASE}/none/*`] });
    const { resources, removedResources } = await client.next();
    expect(resources).toEqual([]);
    expect(removedResources).toEqual([`${BASE}/none/*`]);
  });

  test("U11 W11 who asks by locators alone is not taken for one who asks for everything", async () => {
    const delta = await connect("delta");
    delta.cache.set("", snapshot({ resources: [endpoints("a"), endpoints("b")] }));
    const locators = [{ name: "a", dynamicParameters: { k: "v" } }];
    delta.client.send({ node, typeUrl: ENDPOINTS, resourceLocatorsSubscribe: locators });
    const first = await delta.client.next();
    expect(first.resources.map(({ name }) => name)).toEqual(["a"]);
    delta.client.send({ typeUrl: ENDPOINTS, responseNonce: first.nonce, resourceLocatorsUnsubscribe: locators });
    delta.client.send({ typeUrl: ENDPOINTS, resourceNamesSubscribe: ["b"] });
    delta.cache.set("", snapshot({ resources: [{ ...endpoints("a"), policy: {} }, endpoints("b")] }));
    expect((await delta.client.next()).resources.map(({ name }) => name)).toEqual(["b"]);
    await close();

    const sotw = await connect("sotw");
    sotw.cache.set("", snapshot({ resources: [endpoints("a"), endpoints("b")] }));
    sotw.client.send({ node, typeUrl: ENDPOINTS, resourceLocators: locators });
    expect((await sotw.client.next()).resources).toHaveLength(1);
  });

  test("a name that says to be of another type is a mistake, in either form of a resource", () => {
    const wrong = `${BASE}/a`;
    for (const resource of [
      { "@type": CLUSTER, name: wrong },
      { typeUrl: CLUSTER, name: wrong, bytes: new Uint8Array() },
    ]) {
      expect(() => snapshot({ resources: [resource] })).toThrow(SnapshotError);
      expect(() => snapshot({ resources: [resource] })).toThrow(/an xdstp:\/\/ path begins with the type/);
    }
  });
});
