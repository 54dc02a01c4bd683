import { labMesh } from "../../src/lab/mesh-text.ts";
import { http2Target } from "../../src/lab/target.ts";
import type { UpstreamOptions } from "../../src/lab/upstream.ts";
import { startFleet } from "../envoy/harness.ts";
import { milliseconds, say, table, withEnvoy } from "./figures.ts";

/** How many connections a burst needs that meets an Envoy without any, HTTP/2 and HTTP/1.1 side by side. */
const CONCURRENT = 1_000;
const RUNS = 3;
const DELAY_MS = 200;
/** What one connection of the client carries, so that the client's side is not what is measured. */
const STREAMS_A_CONNECTION = 100;

interface Burst {
  readonly connections: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
}

await withEnvoy(async () => {
  say(`${CONCURRENT} requests at once to one cold Envoy with one worker; the server takes ${DELAY_MS} ms for each.`);
  say(`Each row is ${RUNS} runs, each with a new Envoy; connections as the server counts them.`);
  const rows: string[][] = [["upstream", "connections to the host", "failed", "p50", "p99"]];
  for (const maxConcurrentStreams of [100, 250, 1_000]) {
    rows.push(await row(`HTTP/2, the server allows ${maxConcurrentStreams} streams`, { maxConcurrentStreams }));
  }
  rows.push(await row("HTTP/1.1", { protocol: "http1" }));
  table(rows);
});

async function row(name: string, server: Partial<UpstreamOptions>): Promise<string[]> {
  const bursts: Burst[] = [];
  for (let run = 0; run < RUNS; run += 1) bursts.push(await coldBurst(server));
  const failed = bursts.reduce((sum, one) => sum + one.failed, 0);
  const connections = bursts.map((one) => one.connections);
  const worst = (of: (burst: Burst) => number): string => milliseconds(Math.max(...bursts.map(of)));
  return [name, range(connections), `${failed} of ${RUNS * CONCURRENT}`, worst(({ p50 }) => p50), worst((b) => b.p99)];
}

function range(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? String(least) : `${least} to ${most}`;
}

async function coldBurst(server: Partial<UpstreamOptions>): Promise<Burst> {
  const fleet = await startFleet({
    envoys: 1,
    versions: { v1: { delayMs: DELAY_MS, ...server } },
    mesh: (parts) => (server.protocol === "http1" ? withHttp1(labMesh(parts)) : labMesh(parts)),
  });
  try {
    const [proxy] = fleet.envoys;
    const target = http2Target("cold", `http://${proxy?.listen}`, CONCURRENT / STREAMS_A_CONNECTION);
    const tally = await fleet.burst(CONCURRENT, { targets: [target], timeoutMs: 30_000 });
    target.close();
    const { p50Ms: p50, p99Ms: p99 } = tally.latency();
    const connections = fleet.upstreams.get("v1")?.counters().connections ?? 0;
    return { connections, failed: tally.counts().failed, p50, p99 };
  } finally {
    await fleet.close();
  }
}

function withHttp1(mesh: string): string {
  return mesh.replace("  - name: reviews\n", '  - name: reviews\n    protocol: { http1: "to compare" }\n');
}
