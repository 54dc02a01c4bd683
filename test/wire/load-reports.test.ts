import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ClusterReport } from "../../src/core/load/report.ts";
import { readLoadMessage } from "../../src/grpc/load-reader.ts";
import { loadReportingRoutes } from "../../src/grpc/load-reporting.ts";
import { GrpcError } from "../../src/grpc/status.ts";
import { type Edge, nodeOf, startEdge } from "./edge.ts";
import { ServiceClient, type ServiceStream } from "./service-client.ts";

const FILE = "envoy/service/load_stats/v3/lrs.proto";
const SERVICE = "envoy.service.load_stats.v3.LoadReportingService";

interface Added {
  readonly node: string;
  readonly report: readonly ClusterReport[];
}

let edge: Edge;
let client: ServiceClient;
/** What was added, in the order in which it came. */
let added: Added[];
let onAdded: () => void;

beforeEach(async () => {
  added = [];
  onAdded = () => {};
  edge = await startEdge(undefined, (registry) =>
    loadReportingRoutes({
      intervalMs: 2_500,
      add: (node, report) => {
        registry.reports.add(node, report);
        added.push({ node, report });
        onAdded();
      },
    }),
  );
  client = new ServiceClient(edge.port, FILE, SERVICE);
});
afterEach(async () => {
  client.close();
  await edge.close();
});

/** Resolves when so many reports have come. */
const reports = (count: number): Promise<void> =>
  new Promise((resolve) => {
    onAdded = () => {
      if (added.length >= count) resolve();
    };
    onAdded();
  });

async function begin(id: string): Promise<ServiceStream> {
  const stream = client.stream("StreamLoadStats");
  stream.send({ node: nodeOf(id) });
  return stream;
}

const stats = (clusterName: string, ...localities: object[]): object => ({
  clusterName,
  upstreamLocalityStats: localities,
  loadReportInterval: { seconds: 2, nanos: 500_000_000 },
});

test("the first message is answered with the interval, for all clusters, and nothing else is ever answered", async () => {
  const stream = await begin("n1");
  expect(await stream.next()).toEqual({
    clusters: [],
    loadReportingInterval: { seconds: "2", nanos: 500_000_000 },
    sendAllClusters: true,
  });
  stream.send({ node: nodeOf("n1"), clusterStats: [stats("a", { totalSuccessfulRequests: 1 })] });
  await reports(1);
  stream.finish();
  expect(await stream.ended).toMatchObject({ code: 0 });
  expect(stream.unread).toBe(0);
});

test("localities and priorities of a cluster are counted together, and its drops with them", async () => {
  const stream = await begin("n1");
  const localities = [
    { totalSuccessfulRequests: 5, totalErrorRequests: 1, totalIssuedRequests: 7, totalRequestsInProgress: 1 },
    { totalSuccessfulRequests: 10, totalErrorRequests: 2, totalIssuedRequests: 12, priority: 1 },
  ];
  stream.send({ node: nodeOf("n1"), clusterStats: [{ ...stats("a", ...localities), totalDroppedRequests: 3 }] });
  await reports(1);
  expect(added[0]).toEqual({
    node: "n1",
    report: [{ cluster: "a", success: 15, error: 3, issued: 19, dropped: 3, inProgress: 1, intervalMs: 2_500 }],
  });
  expect(edge.registry.loads().get("a")).toMatchObject({ success: 15, error: 3, dropped: 3, inProgress: 1 });
});

test("a client that says its node only once, as gRPC clients do, is known by it", async () => {
  const stream = await begin("grpc");
  stream.send({ clusterStats: [stats("a", { totalErrorRequests: 4 })] });
  await reports(1);
  expect(added[0]?.node).toBe("grpc");
});

test("the first message of a stream that has come back carries a report", async () => {
  const stream = client.stream("StreamLoadStats");
  stream.send({ node: nodeOf("n1"), clusterStats: [stats("a", { totalSuccessfulRequests: 9 })] });
  await stream.next();
  expect(edge.registry.loads().get("a")?.success).toBe(9);
});

test("what breaks the rules of Envoy's API is taken: a cluster without localities, one twice, one without a name", async () => {
  const stream = await begin("n1");
  const twice = stats("b", { totalSuccessfulRequests: 1 });
  stream.send({ clusterStats: [stats("a"), twice, twice, stats("", { totalSuccessfulRequests: 50 })] });
  await reports(1);
  const sums = [...edge.registry.loads()].map(([cluster, { success }]) => [cluster, success]);
  expect(Object.fromEntries(sums)).toEqual({ a: 0, b: 2 });
});

test("nodes are told apart, and each is counted on", async () => {
  const [one, two] = [await begin("n1"), await begin("n2")];
  one.send({ clusterStats: [stats("a", { totalSuccessfulRequests: 1 })] });
  two.send({ clusterStats: [stats("a", { totalSuccessfulRequests: 10 })] });
  one.send({ clusterStats: [stats("a", { totalSuccessfulRequests: 100 })] });
  await reports(3);
  expect(edge.registry.loads().get("a")?.success).toBe(111);
  expect(edge.registry.loads({ nodes: ["n1"] }).get("a")?.success).toBe(101);
});

test.each([
  ["no node", {}],
  ["a node without an id", { node: nodeOf("") }],
  ["an id of 2,000 characters", { node: nodeOf("x".repeat(2_000)) }],
])("a stream that begins with %s is INVALID_ARGUMENT", async (_, request) => {
  const stream = client.stream("StreamLoadStats");
  stream.send(request);
  expect(await stream.ended).toMatchObject({ code: 3, details: expect.stringContaining("node with an id") });
  expect(added).toEqual([]);
});

describe("a message", () => {
  const count = fc.bigInt({ min: 0n, max: (1n << 53n) - 1n });

  test("with counts of any size is read as protobufjs wrote it", async () => {
    const { loadSync } = await import("@grpc/proto-loader");
    const definition = loadSync(FILE, { includeDirs: [new URL("../../proto", import.meta.url).pathname] });
    const type = definition["envoy.service.load_stats.v3.LoadStatsRequest"] as unknown as {
      serialize(value: object): Buffer;
    };
    fc.assert(
      fc.property(count, count, count, count, (success, error, inProgress, dropped) => {
        const locality = {
          totalSuccessfulRequests: String(success),
          totalErrorRequests: String(error),
          totalRequestsInProgress: String(inProgress),
        };
        const bytes = type.serialize({
          clusterStats: [
            { clusterName: "a", upstreamLocalityStats: [locality], totalDroppedRequests: String(dropped) },
          ],
        });
        const [read] = readLoadMessage(bytes).clusters;
        expect(read).toMatchObject({
          success: Number(success),
          error: Number(error),
          inProgress: Number(inProgress),
          dropped: Number(dropped),
        });
      }),
    );
  });

  test("of any bytes is read or refused, and every number in it is finite", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          for (const { cluster, ...counts } of readLoadMessage(Buffer.from(bytes)).clusters) {
            expect(cluster).not.toBe("");
            for (const value of Object.values(counts)) expect(Number.isFinite(value)).toBe(true);
          }
        } catch (error) {
          if (!(error instanceof GrpcError)) throw error;
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("of a million clusters is read as far as any Envoy could mean it", () => {
    const names = Array.from({ length: 20_000 }, (_, index) => Buffer.from(`c${index}`));
    const clusters = names.map((name) => {
      const cluster = Buffer.concat([Buffer.from([0x0a, name.length]), name]);
      return Buffer.concat([Buffer.from([0x12, cluster.length]), cluster]);
    });
    const empty = Buffer.alloc(2_000_000, Buffer.from([0x12, 0]));
    expect(readLoadMessage(Buffer.concat([empty, ...clusters])).clusters).toHaveLength(10_000);
  });
});
