import type { ClientHttp2Stream } from "node:http2";
import { connect } from "node:http2";
import { afterEach, expect, test } from "vitest";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import type { XdsServerOptions } from "../../src/index.ts";
import { SnapshotCache, snapshot, XdsServer } from "../../src/index.ts";
import { AdsClient, message, nodeBytes } from "./ads-client.ts";
import { frame, RawClient } from "./raw-call.ts";

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
const STATUS = { ok: 0, unavailable: 14 } as const;

let stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  stops = [];
});

async function serving(options: Partial<XdsServerOptions>) {
  const cache = new SnapshotCache();
  const clusters = (name: string, bytes = 1) => ({ typeUrl: CLUSTER, name, bytes: Buffer.alloc(bytes, name) });
  const fill = (bytes = 1, name = "a"): void => cache.set("", snapshot({ resources: [clusters(name, bytes)] }));
  fill();
  const server = new XdsServer({ cache, ...options });
  const { port } = await server.listen("127.0.0.1:0");
  stops.push(() => server.close({ graceMs: 0 }));
  const come = (id: string): AdsClient => {
    const client = new AdsClient(`127.0.0.1:${port}`, "sotw");
    stops.push(() => client.close());
    client.send(asking(id));
    return client;
  };
  return { port, come, fill, cache };
}

const asking = (id: string): object => ({ node: nodeBytesOf(id), typeUrl: CLUSTER });
const nodeBytesOf = (id: string): Buffer => nodeBytes({ id, cluster: "edge" });

async function acked(client: AdsClient): Promise<number> {
  const { nonce, versionInfo, resources } = await client.next();
  client.send({ typeUrl: CLUSTER, responseNonce: nonce, versionInfo });
  return resources.length;
}

test("P72 of streams that come at once a burst is answered, the next ones in their order, those beyond are told to come back", async () => {
  const { port } = await serving({ newStreams: { burst: 2, perSecond: 5, waiting: 2 } });
  const raw = new RawClient(port);
  stops.push(() => raw.close());
  const order: number[] = [];
  const ask = (n: number): Buffer => frame(message("DiscoveryRequest").serialize(asking(`n${n}`)));
  const calls = Array.from({ length: 5 }, (_, n) => raw.call(ADS).write(ask(n)));
  const answered = calls.slice(0, 4).map((call, n) => call.received(1).then(() => order.push(n)));
  const refused = await calls[4]?.ended;
  expect([refused?.status, decodeURIComponent(refused?.message ?? "")]).toEqual([
    String(STATUS.unavailable),
    "too many streams begin at once; come back in a while",
  ]);
  await Promise.all(answered);
  expect(order).toEqual([0, 1, 2, 3]);
});

test("P72 a stream that gives up waiting leaves its place to others, and streams that run go on meanwhile", async () => {
  const { come, fill, port } = await serving({ newStreams: { burst: 1, perSecond: 1, waiting: 1 } });
  const runs = come("runs");
  await acked(runs);
  const raw = new RawClient(port);
  stops.push(() => raw.close());
  const call = (id: string) => raw.call(ADS).write(frame(message("DiscoveryRequest").serialize(asking(id))));
  const impatient = call("impatient");
  fill(1, "b");
  expect(await acked(runs)).toBe(1);
  impatient.stream.close(8);
  const patient = call("patient");
  expect(await patient.received(1)).toHaveLength(1);
  expect(impatient.messages()).toEqual([]);
});

test("P72 a stream that has reached its age ends with OK, its connection with it, and who comes back is sent nothing again", async () => {
  const { port } = await serving({ streamAgeMs: 500 });
  const session = connect(`http://127.0.0.1:${port}`);
  stops.push(() => session.destroy());
  const isGone = new Promise((resolve) => session.once("goaway", resolve));
  const stream = session.request({
    ":method": "POST",
    ":path": ADS,
    "content-type": "application/grpc",
    te: "trailers",
  });
  const trailers = new Promise<unknown>((resolve) => stream.once("trailers", (said) => resolve(said["grpc-status"])));
  const first = new Promise<Buffer>((resolve) => stream.once("data", resolve));
  stream.write(frame(message("DiscoveryRequest").serialize(asking("n1"))));
  const { nonce, versionInfo } = message("DiscoveryResponse").deserialize((await first).subarray(5)) as {
    nonce: string;
    versionInfo: string;
  };
  stream.write(frame(message("DiscoveryRequest").serialize({ typeUrl: CLUSTER, responseNonce: nonce, versionInfo })));
  expect(await trailers).toBe(String(STATUS.ok));
  expect(await isGone).toBe(0);
  const back = new AdsClient(`127.0.0.1:${port}`, "sotw");
  stops.push(() => back.close());
  back.send({ ...asking("n1"), versionInfo });
  expect(await back.ended).toMatchObject({ code: STATUS.ok });
  expect(back.unread).toEqual([]);
});

/** A client that asks for all clusters and takes nothing of them; resolves with the code that its stream is reset with. */
function stuckAt(port: number, path: string): { stream: ClientHttp2Stream; dropped: Promise<number | undefined> } {
  const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 1_024 } });
  stops.push(() => session.destroy());
  session.on("error", () => {});
  const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request(headers);
  stream.on("error", () => {});
  stream.pause();
  stream.write(frame(message("DiscoveryRequest").serialize(asking("stuck"))));
  return { stream, dropped: new Promise((resolve) => stream.once("close", () => resolve(stream.rstCode))) };
}

test("P59 a client that takes nothing is dropped in time, and the others have each change meanwhile", async () => {
  const { come, fill, port } = await serving({ stallMs: 300 });
  fill(1 << 20);
  const { dropped } = stuckAt(port, ADS);
  const reader = come("reader");
  for (const name of ["b", "c", "d"]) {
    expect(await acked(reader)).toBe(1);
    fill(1 << 20, name);
  }
  expect(await dropped).toBe(8);
  expect(await acked(reader)).toBe(1);
});

test.each([
  ["has ended its stream", ADS],
  ["has asked but once, on no stream", "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters"],
])("P59 what a client does not take that %s is not kept for it either", async (_, path) => {
  const { fill, port } = await serving({ stallMs: 300 });
  fill(1 << 20);
  const { stream, dropped } = stuckAt(port, path);
  if (path === ADS) await new Promise((resolve) => stream.once("response", resolve));
  stream.end();
  expect(await dropped).toBe(8);
});
