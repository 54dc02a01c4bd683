import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ENDPOINTS } from "../../src/core/resource/type-url.ts";
import { type Edge, nodeOf, resource, startEdge, viewOf } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await startEdge();
});
afterEach(() => edge.close());

/** Names as long as they are in a mesh of many namespaces: together more than the 4 MiB that gRPC servers take unasked. */
const NAMES = Array.from({ length: 50_000 }, (_, index) => `outbound|8443||service-${index}.${"x".repeat(80)}.local`);

describe.each(["sotw", "delta"] as const)("%s", (dialect) => {
  test("P61 an Envoy that comes back with 50,000 names, 5 MiB of them, is answered", async () => {
    const [first = "", last = ""] = [NAMES[0], NAMES.at(-1)];
    const client = edge.connect(dialect);
    client.send({
      node: nodeOf("n1"),
      typeUrl: ENDPOINTS,
      ...(dialect === "sotw"
        ? { versionInfo: "old", resourceNames: NAMES }
        : {
            resourceNamesSubscribe: [first, last],
            initialResourceVersions: Object.fromEntries(NAMES.map((name) => [name, "1"])),
          }),
    });
    await edge.eventOf("connected");
    edge.registry.assign("n1", viewOf(resource(ENDPOINTS, first, "1"), resource(ENDPOINTS, last, "2")));
    const response = await client.next();
    expect(response.typeUrl).toBe(ENDPOINTS);
    expect(response.resources).toHaveLength(2);
  });
});

test("P62 a client that takes 4 MiB at most is given 12 MB in portions that it takes, delta", async () => {
  const names = Array.from({ length: 6_000 }, (_, index) => `cluster-${index}`);
  const all = names.map((name) => ({ typeUrl: ENDPOINTS, name, version: "1", bytes: Buffer.alloc(2_000), refs: [] }));
  const client = edge.connect("delta");
  client.send({ node: nodeOf("n1"), typeUrl: ENDPOINTS, resourceNamesSubscribe: names });
  await edge.eventOf("connected");
  edge.registry.assign("n1", viewOf(...all));
  const taken = new Set<unknown>();
  for (let portions = 0; taken.size < names.length; portions += 1) {
    expect(portions).toBeLessThan(5);
    const { nonce, resources } = await client.next();
    for (const { name } of resources) taken.add(name);
    client.send({ typeUrl: ENDPOINTS, responseNonce: nonce });
  }
  await edge.eventOf("converged");
  expect(client.unread).toEqual([]);
});
