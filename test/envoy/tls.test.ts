import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bootstrap } from "../../src/envoy/bootstrap.ts";
import { certificateNamesNode, SnapshotCache, snapshot, XdsServer } from "../../src/index.ts";
import { Lifetimes } from "../../src/lab/lifetimes.ts";
import { type RunningEnvoy, runEnvoy } from "../../src/proxy/run-envoy.ts";
import { authority, type Pair } from "../wire/certificates.ts";
import { cluster, clustersOf } from "./engine.ts";
import { envoy, eventually } from "./harness.ts";

const ca = authority("server CA");
const clientCa = authority("client CA");
const edge1 = clientCa.issue({ name: "any", dns: ["edge-1"], uris: ["spiffe://belay.test/edge-1"] });
const server = (): Pair => ca.issue({ name: "belay", ips: ["127.0.0.1"] });
const RETRY = { retryBaseMs: 100, retryMaxMs: 500 };

let lifetimes: Lifetimes;
let cache: SnapshotCache;
let xds: XdsServer;
let port: number;
let dir: string;
let warnings: string[];

beforeEach(async () => {
  lifetimes = new Lifetimes();
  warnings = [];
  cache = new SnapshotCache();
  cache.set("default", snapshot({ resources: [cluster("a")] }));
  const tls = { ...server(), clientCa: clientCa.cert };
  xds = await lifetimes.add(Promise.resolve(new XdsServer({ cache, tls, authorize: certificateNamesNode() })), (made) =>
    made.close(),
  );
  xds.on("warning", (text) => warnings.push(text));
  ({ port } = await xds.listen("127.0.0.1:0"));
  dir = await lifetimes.add(mkdtemp(join(tmpdir(), "belay-test-")), (made) =>
    rm(made, { recursive: true, force: true }),
  );
});
afterEach(() => lifetimes.close());

/** An Envoy with this certificate, or with none. */
async function start(id: string, delta: boolean, pair?: Pair): Promise<RunningEnvoy> {
  if ("missing" in envoy) throw new Error(envoy.missing);
  const file = async (name: string, text: string): Promise<string> => {
    const path = join(dir, `${id}-${name}.pem`);
    await writeFile(path, text);
    return path;
  };
  const client =
    pair === undefined ? {} : { client: { cert: await file("cert", pair.cert), key: await file("key", pair.key) } };
  const made = bootstrap({
    node: { id, cluster: "edge" },
    xds: { host: "127.0.0.1", port },
    tls: { ca: await file("ca", ca.cert), ...client },
    delta,
    admin: { address: "127.0.0.1", port: 0 },
    ...RETRY,
  });
  const running = runEnvoy({ binary: envoy.path, bootstrap: made, dir: join(dir, id) });
  return await lifetimes.add(running, (proxy) => proxy.stop());
}

async function stat(proxy: RunningEnvoy, name: string): Promise<bigint> {
  return ((await proxy.stats(`^${name}$`)).get(name) ?? 0n) as bigint;
}

const CONNECTED = "control_plane.connected_state";
const CONNECTIONS = "cluster.xds.upstream_cx_total";

describe.skipIf("missing" in envoy).each([
  ["state of the world", false],
  ["delta", true],
])("a real Envoy over mutual TLS, %s", (_dialect, delta) => {
  test("P55 is served as the node that its certificate names", async () => {
    const proxy = await start("edge-1", delta, edge1);
    await proxy.ready();
    expect(await clustersOf(proxy)).toEqual({ a: "1s" });
    expect(await cache.converged("default")).toMatchObject({ acked: ["edge-1"] });
    expect(warnings).toEqual([]);
  });

  test("P55 is refused as another, and without a certificate, while the right one is served", async () => {
    const wrong = await start("edge-2", delta, edge1);
    const bare = await start("edge-3", delta);
    await eventually(() => warnings.some((text) => text.includes('"edge-2"')), "the wrong id is refused");
    const right = await start("edge-1", delta, edge1);
    await right.ready();
    expect(await stat(right, CONNECTED)).toBe(1n);
    for (const proxy of [wrong, bare]) {
      await eventually(async () => (await stat(proxy, CONNECTIONS)) > 0n, "it has connected");
      expect(await clustersOf(proxy)).toEqual({});
    }
    expect(cache.nodes("default").map(({ id }) => id)).toEqual(["edge-1"]);
  });

  test("keeps its stream when the certificates are exchanged, and new ones come in with the new", async () => {
    const proxy = await start("edge-1", delta, edge1);
    await proxy.ready();
    expect(await stat(proxy, CONNECTIONS)).toBe(1n);
    const next = authority("next client CA");
    xds.setTls({ ...server(), clientCa: next.cert });
    cache.set("default", snapshot({ resources: [cluster("a"), cluster("b", { connect_timeout: "2s" })] }));
    await cache.converged("default");
    expect(await clustersOf(proxy)).toEqual({ a: "1s", b: "2s" });
    expect(await stat(proxy, CONNECTIONS)).toBe(1n);
    const newer = await start("edge-4", delta, next.issue({ name: "edge-4", dns: ["edge-4"] }));
    await newer.ready();
    expect(await clustersOf(newer)).toEqual({ a: "1s", b: "2s" });
  });
});
