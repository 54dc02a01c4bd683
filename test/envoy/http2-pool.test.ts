import { afterEach, describe, expect, test } from "vitest";
import { labMesh } from "../../src/lab/mesh-text.ts";
import { http2Target } from "../../src/lab/target.ts";
import type { UpstreamOptions } from "../../src/lab/upstream.ts";
import { envoy, type Fleet, type FleetOptions, startFleet } from "./harness.ts";

const CONCURRENT = 1_000;
/** What one downstream connection carries, so that the client's side is not what is measured. */
const STREAMS_A_CONNECTION = 100;

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Burst {
  readonly failure: unknown;
  readonly answered: number;
  /** Connections that the server has accepted. */
  readonly connections: number;
  /** What Envoy says of them. */
  readonly counted: { readonly http1: unknown; readonly http2: unknown };
}

/** One cold Envoy with one worker, 1,000 requests at once to a server that takes 200 ms for each. */
async function coldBurst(server: Partial<UpstreamOptions>, mesh: FleetOptions["mesh"] = labMesh): Promise<Burst> {
  const fleet: Fleet = await startFleet({ envoys: 1, versions: { v1: { delayMs: 200, ...server } }, mesh });
  closers.push(() => fleet.close());
  const [proxy] = fleet.envoys;
  if (proxy === undefined) throw new Error("there is no Envoy");
  const target = http2Target("cold", `http://${proxy.listen}`, CONCURRENT / STREAMS_A_CONNECTION);
  closers.push(() => target.close());
  const tally = await fleet.burst(CONCURRENT, { targets: [target], timeoutMs: 30_000 });
  const { firstFailure, byVersion } = tally.counts();
  const stats = await proxy.stats("^cluster\\.reviews@v1\\.upstream_cx_http[12]_total$");
  return {
    failure: firstFailure,
    answered: byVersion.get("v1") ?? 0,
    connections: fleet.upstreams.get("v1")?.counters().connections ?? 0,
    counted: {
      http1: stats.get("cluster.reviews@v1.upstream_cx_http1_total"),
      http2: stats.get("cluster.reviews@v1.upstream_cx_http2_total"),
    },
  };
}

describe.skipIf("missing" in envoy)("1,000 concurrent requests on a cold start", () => {
  test.each([100, 250, 1_000])(
    "need at most 12 HTTP/2 connections to a server that allows %i streams",
    async (maxConcurrentStreams) => {
      const { failure, answered, connections, counted } = await coldBurst({ maxConcurrentStreams });
      expect(failure).toBeUndefined();
      expect(answered).toBe(CONCURRENT);
      expect(connections).toBeLessThanOrEqual(12);
      expect(counted).toEqual({ http1: 0n, http2: BigInt(connections) });
    },
  );

  test("need hundreds of HTTP/1.1 connections", async () => {
    const { failure, answered, connections, counted } = await coldBurst({ protocol: "http1" }, (parts) =>
      labMesh(parts).replace("  - name: reviews\n", '  - name: reviews\n    protocol: { http1: "to compare" }\n'),
    );
    expect(failure).toBeUndefined();
    expect(answered).toBe(CONCURRENT);
    expect(connections).toBeGreaterThan(300);
    expect(counted).toEqual({ http1: BigInt(connections), http2: 0n });
  });
});
