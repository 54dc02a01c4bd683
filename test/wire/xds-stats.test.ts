import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { SnapshotCache, snapshot, XdsServer, type XdsServerOptions, type XdsStats } from "../../src/index.ts";
import { AdsClient, message, unaryCall } from "./ads-client.ts";
import { nodeOf } from "./edge.ts";
import { frame, RawClient } from "./raw-call.ts";

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
const FETCH = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters";
const cluster = (timeout: string, filler = "") => ({
  "@type": CLUSTER,
  name: "a",
  connect_timeout: timeout,
  metadata: { filter_metadata: { filler: { filler } } },
});

let cache: SnapshotCache;
let server: XdsServer;
let port: number;
let closers: (() => void)[];

beforeEach(() => {
  closers = [];
  cache = new SnapshotCache();
  cache.set("default", snapshot({ resources: [cluster("1s")] }));
});
afterEach(async () => {
  for (const close of closers) close();
  await server.close();
});

async function serve(more: Partial<XdsServerOptions> = {}): Promise<void> {
  server = new XdsServer({ cache, ...more });
  ({ port } = await server.listen("127.0.0.1:0"));
}

function client(dialect: "sotw" | "delta", id: string): AdsClient {
  const made = new AdsClient(`127.0.0.1:${port}`, dialect);
  closers.push(() => made.close());
  made.send({ typeUrl: CLUSTER, node: nodeOf(id) });
  return made;
}

/** The numbers once they are so: what a client does is heard of a little later. */
async function once(isSo: (stats: XdsStats) => boolean): Promise<XdsStats> {
  for (;;) {
    const stats = server.stats();
    if (isSo(stats)) return stats;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const ofClusters = ({ types }: XdsStats) => types[CLUSTER];

describe.each(["sotw", "delta"] as const)("what goes over the wire, %s,", (dialect) => {
  test("is counted: one body for all streams in the same state, one a change", async () => {
    await serve();
    const clients = ["n1", "n2", "n3"].map((id) => client(dialect, id));
    for (const one of clients) {
      const { nonce, versionInfo } = await one.next();
      one.send({ typeUrl: CLUSTER, versionInfo, responseNonce: nonce });
    }
    const before = await once((stats) => ofClusters(stats)?.acks === 3);
    expect(before.streams[dialect]).toBe(3);
    expect(ofClusters(before)).toMatchObject({ responses: 3, encodes: 1, nacks: 0 });
    cache.set("default", snapshot({ resources: [cluster("2s")] }));
    for (const one of clients) {
      const { nonce, versionInfo } = await one.next();
      one.send({ typeUrl: CLUSTER, versionInfo, responseNonce: nonce });
    }
    const after = await once((stats) => ofClusters(stats)?.acks === 6);
    expect(ofClusters(after)).toMatchObject({ responses: 6, encodes: 2, pushToAck: { count: 3 } });
    const bytes = (ofClusters(after)?.bytes ?? 0) - (ofClusters(before)?.bytes ?? 0);
    expect(bytes % 3).toBe(0);
    expect(bytes).toBeGreaterThan(3 * 100);
  });
});

test("a single fetch is a response too", async () => {
  await serve();
  await unaryCall(`127.0.0.1:${port}`, FETCH, { node: nodeOf("n1") });
  expect(ofClusters(server.stats())).toMatchObject({ responses: 1, encodes: 1 });
});

describe("why streams end is counted", () => {
  test("by their clients, by us because of who they are, or because of what they send", async () => {
    await serve({ authorize: ({ node }) => node?.id !== "n2" || "not n2" });
    const left = client("delta", "n1");
    await left.next();
    left.close();
    await client("delta", "n2").ended;
    await client("sotw", "").ended;
    const { ended, denied, streams } = await once(({ ended: all }) => all.client === 1);
    expect(ended).toMatchObject({ client: 1, refused: 1, invalid: 1, stalled: 0, drained: 0 });
    expect(denied).toMatchObject({ delta: 1, sotw: 0, fetch: 0 });
    expect(streams).toEqual({ sotw: 0, delta: 0 });
  });

  test("because they take nothing, and because the server closes", async () => {
    cache.set("default", snapshot({ resources: [cluster("1s", "x".repeat(3 << 20))] }));
    await serve({ stallMs: 200 });
    const deaf = new RawClient(port);
    closers.push(() => deaf.close());
    const call = deaf.call(ADS);
    call.stream.pause();
    call.write(frame(message("DiscoveryRequest").serialize({ typeUrl: CLUSTER, node: nodeOf("n1") })));
    await once(({ ended }) => ended.stalled === 1);
    const last = client("delta", "n2");
    await last.next();
    await server.close();
    expect(server.stats()).toMatchObject({ ended: { stalled: 1, drained: 1 }, streams: { sotw: 0, delta: 0 } });
  });

  test("and those that are turned away at the door", async () => {
    await serve({ newStreams: { burst: 1, perSecond: 0.001, waiting: 0 } });
    await client("sotw", "n1").next();
    expect(await client("sotw", "n2").ended).toMatchObject({ code: 14 });
    expect(server.stats()).toMatchObject({ throttled: 1, streams: { sotw: 1 } });
  });
});
