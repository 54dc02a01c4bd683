import { connect, createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { memoryUsage } from "node:process";
import * as v8 from "node:v8";
import type { NodeRegistry } from "../../../src/control/node-registry.ts";
import { Session } from "../../../src/control/sessions.ts";
import { GrpcCall } from "../../../src/grpc/grpc-call.ts";
import { XdsServer } from "../../../src/index.ts";
import type { Counts, Done, Sample, ServerOrder } from "./messages.ts";
import { Random } from "./random.ts";
import { World } from "./world.ts";

// The server of a soak, in a process of its own: the library as a program uses it, whose insides are counted from outside.

const MIB = 1024 ** 2;
const TICK_MS = 50;

type Constructor = new (...given: never[]) => unknown;
type Kinds = Readonly<Record<string, Constructor>>;

const world = new World(new Random(Number(process.env["SOAK_SEED"] ?? 1)));
const registry = registryOf();
/** So that streams of those that stay are ended by the server, too, and come back. */
const STREAM_AGE_MS = 30_000;
const server = new XdsServer({ cache: world.cache, graceMs: 200, holdMs: 2_000, streamAgeMs: STREAM_AGE_MS });
const done: { -readonly [K in keyof Done]: Done[K] } = { changes: 0, connects: 0, acks: 0, nacks: 0 };
/** Nodes that are here now. */
const present = new Set<string>();
server.on("connect", ({ node }) => {
  done.connects += 1;
  present.add(node);
});
server.on("close", ({ node }) => present.delete(node));
// Clients that send what is no request are told of; here they are meant to.
server.on("warning", () => {});
server.on("ack", () => (done.acks += 1));
server.on("nack", () => (done.nacks += 1));
const kinds: Kinds = {
  sessions: Session,
  calls: GrpcCall,
  timers: setTimeout(() => {}, 0).constructor as Constructor,
  ...(await kindsOfNode()),
};
const began = Date.now();
let changing: NodeJS.Timeout | undefined;

process.on("message", (order: ServerOrder) => process.send?.({ to: order.do, value: obey(order) }));
process.on("disconnect", () => process.exit(0));
process.send?.({ to: "listen", value: (await server.listen("127.0.0.1:0")).port });

function obey(order: ServerOrder): unknown {
  switch (order.do) {
    case "sample":
      return sample();
    case "open":
      return open();
    case "left":
      return left();
    case "heap":
      return v8.writeHeapSnapshot(order.file);
    case "change":
      return change(order.perSecond);
    case "rest":
      clearInterval(changing);
      changing = undefined;
      return { ...done, changes: world.changes };
    case "content":
      return world.content();
  }
}

/** By the clock and not by ticks: a busy machine makes no fewer changes, only in larger heaps. */
function change(perSecond: number): number {
  clearInterval(changing);
  const from = Date.now();
  let made = 0;
  changing = setInterval(() => {
    for (; made < (perSecond * (Date.now() - from)) / 1_000; made += 1) world.change();
  }, TICK_MS);
  return perSecond;
}

function sample(): Sample {
  globalThis.gc?.();
  const { heapUsed, external, rss } = memoryUsage();
  const mib = (bytes: number): number => bytes / MIB;
  const lost = [...registry().identities()].length - present.size;
  return {
    at: Date.now() - began,
    heap: mib(heapUsed),
    buffers: mib(external),
    rss: mib(rss),
    connected: present.size,
    lost,
  };
}

/** What is open, without looking through the heap: that would hold up what is about to close. */
function open(): Counts {
  const sockets = process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
  return { sockets, "connected nodes": present.size };
}

/** What is alive of all that a client makes the server keep. Each look collects first. */
function left(): Counts {
  const counts: Record<string, number> = { ...open() };
  for (const [name, kind] of Object.entries(kinds))
    counts[name] = v8.queryObjects(kind as never, { format: "count" }) as unknown as number;
  counts["process listeners"] = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
  return counts;
}

/** The registry that the server hands to the cache. */
function registryOf(): () => NodeRegistry {
  let found: NodeRegistry | undefined;
  const attach = world.cache.attach.bind(world.cache);
  world.cache.attach = (given) => {
    found = given;
    return attach(given);
  };
  return () => {
    if (found === undefined) throw new Error("the server does not listen yet");
    return found;
  };
}

/** What Node makes for a connection and a stream has no public constructor: one of each is looked at. */
async function kindsOfNode(): Promise<Kinds> {
  const probe = createServer();
  const session = new Promise<ServerHttp2Session>((resolve) => probe.once("session", resolve));
  const stream = new Promise<ServerHttp2Stream>((resolve) => probe.once("stream", resolve));
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", () => resolve()));
  const client = connect(`http://127.0.0.1:${(probe.address() as AddressInfo).port}`);
  client.on("error", () => {});
  const request = client.request();
  request.on("error", () => {});
  const [one, other] = [await session, await stream];
  const constructors = { connections: one.constructor as Constructor, streams: other.constructor as Constructor };
  client.destroy();
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return constructors;
}
