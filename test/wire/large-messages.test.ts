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

describe("P62 a response that is longer than most clients take", () => {
  const long = (name: string, bytes: number) => ({
    typeUrl: ENDPOINTS,
    name,
    version: String(bytes),
    bytes: Buffer.alloc(bytes),
    refs: [],
  });

  /** An edge that takes down its warnings; they come before the response is taken, or not at all. */
  async function startTelling(): Promise<{ edge: Edge; warnings: string[] }> {
    await edge.close();
    const warnings: string[] = [];
    edge = await startEdge(undefined, undefined, { onWarning: (message) => warnings.push(message) });
    return { edge, warnings };
  }

  test("is told of once for each type and group, with its length and what to do, state of the world", async () => {
    const { warnings } = await startTelling();
    const all = Array.from({ length: 5 }, (_, index) => long(`e${index}`, 1_000_000));
    edge.registry.listen((event) => {
      if (event.kind === "connected") edge.registry.assign(event.node.id, viewOf(...all));
    });
    for (const id of ["n1", "n2"]) {
      const client = edge.connect("sotw");
      client.send({ node: nodeOf(id), typeUrl: ENDPOINTS, resourceNames: ["e0", "e1", "e2", "e3", "e4"] });
      // The client is one of those: it ends the stream.
      expect((await client.ended).code).toBe(8);
    }
    expect(warnings).toEqual([
      'a response with 5 endpoints to nodes of the group "g" is 4.8 MiB long: gRPC clients other than Envoy take 4 MiB unless they are told otherwise, and would fail again and again; use delta, which is sent in portions, or raise what they receive (grpc.max_receive_message_length)',
    ]);
  });

  test("is not told of where it is no longer, and in delta only where one resource is", async () => {
    const { warnings } = await startTelling();
    const all = [long("e0", 2_000_000), long("e1", 2_000_000), long("e2", 2_000_000)];
    edge.registry.listen((event) => {
      if (event.kind === "connected") edge.registry.assign(event.node.id, viewOf(...all, long("huge", 5_000_000)));
    });
    const client = edge.connect("delta");
    client.send({ node: nodeOf("n1"), typeUrl: ENDPOINTS, resourceNamesSubscribe: ["e0", "e1", "e2"] });
    const first = await client.next();
    client.send({ typeUrl: ENDPOINTS, responseNonce: first.nonce });
    await client.next();
    expect(warnings).toEqual([]);
    client.send({ typeUrl: ENDPOINTS, responseNonce: "", resourceNamesSubscribe: ["huge"] });
    const other = edge.connect("delta");
    other.send({ node: nodeOf("n2"), typeUrl: ENDPOINTS, resourceNamesSubscribe: ["huge"] });
    expect((await other.ended).code).toBe(8);
    expect(warnings).toEqual([expect.stringContaining("split the resource, or raise what they receive")]);
  });
});
