import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { burst } from "../../src/lab/load.ts";
import { http2Target } from "../../src/lab/target.ts";
import { startUpstream, type Upstream } from "../../src/lab/upstream.ts";
import { findEnvoy } from "../../src/proxy/find-envoy.ts";
import { runEnvoy } from "../../src/proxy/run-envoy.ts";
import { staticBootstrap } from "./static-envoy.ts";

const envoy = await findEnvoy();
const CONCURRENT = 1_000;
/** What one downstream connection carries, so that the client's side is not what is measured. */
const STREAMS_A_CONNECTION = 100;

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** One cold Envoy with one worker, 1,000 requests at once to a server that takes 200 ms for each. */
async function coldBurst(upstream: Upstream, protocol: { readonly http2Streams: number } | "http1") {
  if ("missing" in envoy) throw new Error(envoy.missing);
  const dir = await mkdtemp(join(tmpdir(), "belay-pool-"));
  closers.push(() => rm(dir, { recursive: true, force: true }));
  const bootstrap = staticBootstrap({ upstream: upstream.address, protocol });
  const proxy = await runEnvoy({ binary: envoy.path, bootstrap, dir, concurrency: 1 });
  closers.push(() => proxy.stop());
  await proxy.ready();
  const gateway = (await proxy.listeners()).get("edge");
  const target = http2Target("edge", `http://${gateway}`, CONCURRENT / STREAMS_A_CONNECTION);
  closers.push(() => target.close());
  const tally = await burst(CONCURRENT, { targets: [target], path: "/reviews", timeoutMs: 30_000 });
  const stats = await proxy.stats("^cluster\\.upstream\\.upstream_cx_");
  return { counts: tally.counts(), connections: upstream.counters().connections, stats };
}

describe.skipIf("missing" in envoy)("1,000 concurrent requests on a cold start", () => {
  test.each([100, 250, 1_000])(
    "need at most 12 HTTP/2 connections to a server that allows %i streams",
    async (streams) => {
      const upstream = await startUpstream({ version: "v1", maxConcurrentStreams: streams, delayMs: 200 });
      closers.push(() => upstream.close());
      const { counts, connections, stats } = await coldBurst(upstream, { http2Streams: 100 });
      expect(counts.firstFailure).toBeUndefined();
      expect(counts.byVersion).toEqual(new Map([["v1", CONCURRENT]]));
      expect(connections).toBeLessThanOrEqual(12);
      expect(stats.get("cluster.upstream.upstream_cx_http2_total")).toBe(BigInt(connections));
    },
  );

  test("need hundreds of HTTP/1.1 connections", async () => {
    const upstream = await startUpstream({ version: "v1", protocol: "http1", delayMs: 200 });
    closers.push(() => upstream.close());
    const { counts, connections, stats } = await coldBurst(upstream, "http1");
    expect(counts.firstFailure).toBeUndefined();
    expect(counts.byVersion).toEqual(new Map([["v1", CONCURRENT]]));
    expect(connections).toBeGreaterThan(300);
    expect(stats.get("cluster.upstream.upstream_cx_http1_total")).toBe(BigInt(connections));
  });
});
