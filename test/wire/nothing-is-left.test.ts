import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { connect, constants } from "node:http2";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import { XdsCounters } from "../../src/control/xds-counters.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import type { GrpcListener } from "../../src/grpc/grpc-server.ts";
import { listenGrpc } from "../../src/grpc/grpc-server.ts";
import { ResponseBytes } from "../../src/grpc/response-bytes.ts";
import { xdsRoutes } from "../../src/grpc/xds-server.ts";
import { encodeNode, encodeRequest, METHODS } from "../bench/xds/wire.ts";
import { settingsWith } from "../control/settings.ts";
import { resource, viewOf } from "./edge.ts";

/** Far more than a client's window takes, in one response. */
const LARGE = resource(CLUSTER, "large", "x".repeat(1 << 20));

/** One that is left by chance, such as what was last in a variable, is not one of each. */
const CLIENTS = 10;
const LOOKS = { timeout: 10_000 };

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

let registry: NodeRegistry;
let listener: GrpcListener;
/** All that the server has made for calls: the calls, which hold their streams and connections, and what stands behind them. */
let made: WeakRef<object>[] = [];

beforeEach(async () => {
  made = [];
  registry = new NodeRegistry(settingsWith({ times: { graceMs: 200, holdMs: 5_000 }, tag: () => "t" }));
  registry.listen(({ kind, node }) => {
    if (kind === "connected") registry.assign(node.id, viewOf(LARGE));
  });
  const seen = <T extends object>(one: T): T => {
    made.push(new WeakRef(one));
    return one;
  };
  const routes = xdsRoutes({
    open: (dialect, sink, typeUrl) => seen(registry.open(dialect, seen(sink), typeUrl)),
    identifier: () => "belay-test",
    onWarning: () => {},
  });
  listener = await listenGrpc(
    { host: "127.0.0.1", port: 0 },
    {
      routes: new Map([...routes].map(([path, method]) => [path, (call) => method(seen(call))])),
      onWarning: () => {},
      maxReceiveBytes: 1 << 20,
      keepaliveMs: 20_000,
    },
  );
});
afterEach(async () => {
  registry.close("ok", "the test is over");
  await listener.close(100);
});

/** How many of them there still are. */
function left(): number {
  collect();
  return made.filter((one) => one.deref() !== undefined).length;
}

/** A client that has begun to be told of more than its window takes. */
interface Asking {
  readonly session: ClientHttp2Session;
  readonly stream: ClientHttp2Stream;
}

async function ask(id: string): Promise<Asking> {
  const session = connect(`http://127.0.0.1:${listener.port}`, { settings: { initialWindowSize: 1_000 } });
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": METHODS.sotw,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  stream.write(encodeRequest("sotw", { node: encodeNode(id, "edge"), typeUrl: CLUSTER }));
  await new Promise((resolve) => stream.once("response", resolve));
  return { session, stream };
}

async function firstBytes({ stream }: Asking): Promise<void> {
  await new Promise((resolve) => stream.once("data", resolve));
}

/** How clients go that were not told everything. */
const WAYS: Readonly<Record<string, (asking: Asking) => Promise<void> | void>> = {
  "has read nothing, and its connection breaks": ({ session }) => session.destroy(),
  "has read a part, and its connection breaks": async (asking) => {
    await firstBytes(asking);
    asking.session.destroy();
  },
  "has read a part, resets its stream, and its connection breaks": async (asking) => {
    await firstBytes(asking);
    asking.stream.close(constants.NGHTTP2_CANCEL);
    asking.session.destroy();
  },
  "has read nothing, ends its half, and its connection breaks": async ({ session, stream }) => {
    await new Promise<void>((resolve) => stream.end(() => resolve()));
    session.destroy();
  },
  "is in the middle of its next request": async ({ session, stream }) => {
    await new Promise((resolve) => stream.write(Buffer.from([0, 0, 0, 1, 0, 10]), resolve));
    session.destroy();
  },
  "was ended by the server, and took no notice": async ({ session }) => {
    for (const { identity } of registry.nodes()) registry.assign(identity.id, undefined);
    registry.retire(0, CLIENTS);
    await new Promise((resolve) => setImmediate(resolve));
    session.destroy();
  },
};

test.each(Object.entries(WAYS))("nothing is left of a client that %s", async (_, go) => {
  const before = process.memoryUsage().arrayBuffers;
  const all: Asking[] = [];
  for (let n = 0; n < CLIENTS; n += 1) all.push(await ask(`n${n}`));
  // Its call, its stream of xDS and its session.
  expect([registry.streamCount, left()]).toEqual([CLIENTS, 3 * CLIENTS]);
  for (const asking of all.splice(0)) await go(asking);
  await expect.poll(() => registry.streamCount, LOOKS).toBe(0);
  await expect.poll(left, LOOKS).toBe(0);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(CLIENTS * LARGE.bytes.length);
});

test.each(["sotw", "delta"] as const)(
  "a small resource that is remembered keeps no large buffer, in %s",
  async (dialect) => {
    const bytes = new ResponseBytes(() => "belay-test", new XdsCounters());
    const write = (name: string): object => {
      const resources = [{ ...resource(CLUSTER, name, "1"), bytes: new Uint8Array([1]) }];
      bytes.framed(dialect, { typeUrl: CLUSTER, version: name, nonce: "n", resources, removed: [] });
      return resources;
    };
    for (let n = 0; n < 100; n += 1) write(`before-${n}`);
    collect();
    const before = process.memoryUsage().arrayBuffers;
    const remembered: object[] = [];
    for (let n = 0; n < 4_000; n += 1) {
      const one = write(`n${n}`);
      if (n % 40 === 0) remembered.push(one);
    }
    for (let n = 0; n < 100; n += 1) write(`after-${n}`);
    const kept = (): number => {
      collect();
      return process.memoryUsage().arrayBuffers - before;
    };
    // Buffers are swept beside the program, some time after they were collected.
    await expect.poll(kept, LOOKS).toBeLessThan(100 * 2_048);
    expect(remembered).toHaveLength(100);
  },
);
