import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CLUSTER, ENDPOINTS } from "../../src/core/resource/type-url.ts";
import { type AdsClient, nodeBytes } from "./ads-client.ts";
import { type Edge, startEdge } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await startEdge();
});
afterEach(() => edge.close());

function hello(client: AdsClient, id: string, more: object = {}): void {
  client.send({ node: nodeBytes({ id, cluster: "edge" }), typeUrl: CLUSTER, ...more });
}

/** A client that is well again after whatever happened: it connects, and the registry hears of it. */
async function another(id: string): Promise<void> {
  const here = new Promise<void>((resolve) => {
    const stop = edge.registry.listen(({ kind, node }) => {
      if (kind !== "connected" || node.id !== id) return;
      stop();
      resolve();
    });
  });
  hello(edge.connect("sotw"), id);
  await here;
}

describe("a client that means harm is its own problem", () => {
  test("it asks for types without end: its stream is ended, and it is told why", async () => {
    const client = edge.connect("sotw");
    for (let n = 0; n < 101; n++) hello(client, "a", { typeUrl: `type.googleapis.com/t${n}` });
    expect(await client.ended).toMatchObject({
      code: 3,
      details: "one stream asks for more than 100 types of resources",
    });
    const delta = edge.connect("delta");
    for (let n = 0; n < 101; n++) hello(delta, "a", { typeUrl: `type.googleapis.com/t${n}` });
    expect(await delta.ended).toMatchObject({ code: 3 });
    await another("b");
  });

  test("P58 it says more of itself, or asks for a longer type, than is kept of anybody: it is told so", async () => {
    const client = edge.connect("sotw");
    hello(client, "x".repeat(200_000));
    expect(await client.ended).toMatchObject({
      code: 3,
      details: expect.stringMatching(/^node\.id, cluster, .* take 400\d{3} bytes together.* it takes 262144 at most$/),
    });
    const delta = edge.connect("delta");
    hello(delta, "a", { typeUrl: `type.googleapis.com/${"x".repeat(1_000)}` });
    expect(await delta.ended).toMatchObject({
      code: 3,
      details: "a type URL of 1020 characters is no type's: more than 1000 are refused",
    });
    await another("b");
  });

  test.each(["__proto__", "constructor", "a\u0000b\u001b[2J", "x".repeat(100_000), "<script>", "é✓😀", " "])(
    "its node is called %j: a name like any other",
    async (id) => {
      await another(id);
      expect(edge.registry.node(id)).toMatchObject({ identity: { id }, connected: true });
      expect(({} as Record<string, unknown>)["cluster"]).toBeUndefined();
    },
  );

  test("it asks for a hundred thousand names that there are not, and for one that has 100,000 characters", async () => {
    const names = Array.from({ length: 100_000 }, (_, n) => `none-${n}`);
    hello(edge.connect("sotw"), "a", { typeUrl: ENDPOINTS, resourceNames: names });
    hello(edge.connect("sotw"), "b", { typeUrl: ENDPOINTS, resourceNames: ["x".repeat(100_000), "__proto__", ""] });
    hello(edge.connect("delta"), "c", { typeUrl: ENDPOINTS, resourceNamesSubscribe: names });
    await another("d");
  });

  test("it says of resources that it has them, under names that objects have", async () => {
    const versions = JSON.parse('{"__proto__":"1","constructor":"2"}') as object;
    hello(edge.connect("delta"), "a", { resourceNamesSubscribe: ["*"], initialResourceVersions: versions });
    await another("b");
  });
});
