import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CLUSTER, VIRTUAL_HOST } from "../../src/core/resource/type-url.ts";
import { SnapshotCache, snapshot, XdsServer } from "../../src/index.ts";
import type { WireResponse } from "./ads-client.ts";
import { AdsClient, nodeBytes } from "./ads-client.ts";

const host = (name: string, ...domains: string[]) => ({ "@type": VIRTUAL_HOST, name, domains });
const node = nodeBytes({ id: "n1", cluster: "edge" });

/** Name, aliases, and whether there is a body. */
const said = ({ resources }: WireResponse) =>
  resources.map(({ name, aliases, resource }) => [name, aliases, resource !== null]);

describe("asked for on demand, over the wire", () => {
  let cache: SnapshotCache;
  let server: XdsServer;
  let client: AdsClient;

  const start = async (method?: string) => {
    cache = new SnapshotCache();
    server = new XdsServer({ cache });
    const { port } = await server.listen("127.0.0.1:0");
    client = new AdsClient(`127.0.0.1:${port}`, "delta", method);
  };
  beforeEach(() => start());
  afterEach(async () => {
    client.close();
    await server.close({ graceMs: 100 });
  });

  test("P38 a virtual host comes with the names that it was asked for by; one that does not exist without a body", async () => {
    cache.set("", snapshot({ resources: [host("r/shop", "shop.com", "*.shop.com"), host("s/all", "*")] }));
    client.send({ node, typeUrl: VIRTUAL_HOST, resourceNamesSubscribe: ["r/a.shop.com", "r/nowhere.org"] });
    const response = await client.next();
    expect(said(response)).toEqual([
      ["r/shop", ["r/a.shop.com"], true],
      ["r/nowhere.org", ["r/nowhere.org"], false],
    ]);
    expect(response.removedResources).toEqual([]);
    client.send({ typeUrl: VIRTUAL_HOST, responseNonce: response.nonce });
    expect((await cache.converged("")).acked).toEqual(["n1"]);
  });

  test("P38 virtual hosts that a program has encoded itself are found by their domains too", async () => {
    const { bytes } = snapshot({ resources: [host("r/shop", "shop.com")] })
      .content.types.get(VIRTUAL_HOST)
      ?.resources.get("r/shop") ?? { bytes: new Uint8Array() };
    const broken = { typeUrl: VIRTUAL_HOST, name: "r/broken", bytes: Uint8Array.of(0x12, 0xff) };
    cache.set("", snapshot({ resources: [{ typeUrl: VIRTUAL_HOST, name: "r/shop", bytes }, broken] }));
    client.send({ node, typeUrl: VIRTUAL_HOST, resourceNamesSubscribe: ["r/shop.com"] });
    expect(said(await client.next())).toEqual([["r/shop", ["r/shop.com"], true]]);
  });

  test("a cluster that does not exist is told at once, beside the wildcard too", async () => {
    cache.set("", snapshot({ resources: [{ "@type": CLUSTER, name: "a" }] }));
    client.send({ node, typeUrl: CLUSTER, resourceNamesSubscribe: ["*"] });
    const first = await client.next();
    client.send({ typeUrl: CLUSTER, responseNonce: first.nonce, resourceNamesSubscribe: ["nowhere"] });
    const { resources, removedResources } = await client.next();
    expect(resources).toEqual([]);
    expect(removedResources).toEqual(["nowhere"]);
  });
});
