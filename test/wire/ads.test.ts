import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { NodeRegistry } from "../../src/control/node-registry.ts";
import type { Resource } from "../../src/core/resource/resource.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { nodeBytes } from "./ads-client.ts";
import type { Edge } from "./edge.ts";
import { resource, startEdge, viewOf } from "./edge.ts";

const cluster = (name: string, content: string): Resource => resource(CLUSTER, name, content);

let edge: Edge;
let registry: NodeRegistry;
let warnings: string[];
let identifier: string;

beforeEach(async () => {
  identifier = "belay-test r1";
  warnings = [];
  edge = await startEdge({ graceMs: 1_000, holdMs: 5_000 }, undefined, {
    identifier: () => identifier,
    onWarning: (message) => warnings.push(message),
  });
  registry = edge.registry;
});

afterEach(() => edge.close());

const node = nodeBytes({
  id: "n1",
  cluster: "edge",
  metadata: { fields: { env: { stringValue: "test" } } },
  locality: { zone: "z1" },
  userAgentBuildVersion: { version: { majorNumber: 1, minorNumber: 40, patch: 0 } },
});

describe.each(["sotw", "delta"] as const)("ADS over a real socket, %s", (dialect) => {
  test("a node is read, answered by one that says who it is (P64), and converges with its ACK", async () => {
    const client = edge.connect(dialect);
    client.send({ node, typeUrl: CLUSTER });
    const connected = await edge.eventOf("connected");
    expect(connected.node).toEqual({
      id: "n1",
      cluster: "edge",
      labels: { env: "test" },
      zone: "z1",
      envoyVersion: "1.40.0",
    });
    expect(client.unread).toEqual([]);
    const view = viewOf(cluster("a", "bytes of a"));
    registry.assign("n1", view);
    const response = await client.next();
    expect(response.controlPlane?.identifier).toBe("belay-test r1");
    const [first] = response.resources;
    const any = dialect === "sotw" ? first : (first?.["resource"] as Record<string, unknown>);
    expect(any).toEqual({ typeUrl: CLUSTER, value: Buffer.from("bytes of a") });
    const version = dialect === "sotw" ? response.versionInfo : response.systemVersionInfo;
    expect(version).toBe(view.snapshot.types.get(CLUSTER)?.version);
    client.send({ typeUrl: CLUSTER, versionInfo: version, responseNonce: response.nonce });
    await edge.eventOf("converged");
    expect(registry.node("n1")).toMatchObject({ state: "IN_SYNC", connected: true, acked: { revision: 1 } });
  });

  test("P64 a stream is told who serves it with its first response, and again when that is another", async () => {
    const client = edge.connect(dialect);
    client.send({ node, typeUrl: CLUSTER });
    await edge.eventOf("connected");
    const told: (string | undefined)[] = [];
    for (const [revision, name] of ["belay-test r1", "belay-test r1", "belay-test r2"].entries()) {
      identifier = name;
      registry.assign("n1", viewOf(cluster("a", `${revision}`)));
      const response = await client.next();
      told.push(response.controlPlane?.identifier);
      const version = dialect === "sotw" ? response.versionInfo : response.systemVersionInfo;
      client.send({ typeUrl: CLUSTER, versionInfo: version, responseNonce: response.nonce });
    }
    expect(told).toEqual(["belay-test r1", undefined, "belay-test r2"]);
  });

  test("a refusal is recorded with its words made safe (P57), and not answered", async () => {
    const client = edge.connect(dialect);
    client.send({ node, typeUrl: CLUSTER });
    await edge.eventOf("connected");
    registry.assign("n1", viewOf(cluster("a", "bad")));
    const response = await client.next();
    client.send({ typeUrl: CLUSTER, responseNonce: response.nonce, errorDetail: { code: 13, message: "no, secret" } });
    expect(await edge.eventOf("refused")).toMatchObject({
      error: "no, [redacted]",
      typeUrl: CLUSTER,
      names: ["a"],
      group: "g",
    });
    // What is done about it is decided a turn later.
    await vi.waitFor(() => expect(registry.node("n1")?.state).toBe("REFUSED"));
    expect(registry.node("n1")?.types.get(CLUSTER)).toMatchObject({ state: "ERROR", error: "no, [redacted]" });
    registry.assign("n1", viewOf(cluster("a", "good")));
    // The next thing the client hears is the good one: nothing was sent in between.
    const fix = await client.next();
    expect(JSON.stringify(fix.resources)).toContain(JSON.stringify(Buffer.from("good")));
    expect(client.unread).toEqual([]);
  });

  test("a first request without a node ends the stream with INVALID_ARGUMENT and says why", async () => {
    const client = edge.connect(dialect);
    client.send({ typeUrl: CLUSTER });
    expect(await client.ended).toMatchObject({ code: 3, details: expect.stringContaining("node") });
    expect(edge.events).toEqual([]);
  });

  test("bytes that are no node end that stream and nothing else", async () => {
    const other = edge.connect(dialect);
    other.send({ node, typeUrl: CLUSTER });
    await edge.eventOf("connected");
    const client = edge.connect(dialect);
    client.send({ node: Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff]), typeUrl: CLUSTER });
    expect(await client.ended).toMatchObject({ code: 3 });
    expect(warnings).toHaveLength(1);
    registry.assign("n1", viewOf(cluster("a", "1")));
    expect((await other.next()).typeUrl).toBe(CLUSTER);
  });

  test("a control plane that is not ready answers UNAVAILABLE, never an empty set (P65)", async () => {
    registry.refuseStreams("the store cannot be read");
    const client = edge.connect(dialect);
    client.send({ node, typeUrl: CLUSTER });
    expect(await client.ended).toMatchObject({ code: 14, details: "the store cannot be read" });
    expect(client.unread).toEqual([]);
  });

  test("a node is lost with its last stream, and stays listed", async () => {
    const client = edge.connect(dialect);
    client.send({ node, typeUrl: CLUSTER });
    await edge.eventOf("connected");
    client.close();
    await edge.eventOf("lost");
    expect(registry.nodes()).toMatchObject([{ identity: { id: "n1" }, connected: false, state: "LOST" }]);
  });
});
