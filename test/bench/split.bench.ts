import { shareOf } from "../../src/lab/tally.ts";
import { http2Target, type Target } from "../../src/lab/target.ts";
import { eventually, type Fleet, startFleet } from "../envoy/harness.ts";
import { milliseconds, say, table, withEnvoy } from "./figures.ts";

/** Whether a version answers the share that it was given, and what the way through an Envoy costs a request. */
const REQUESTS = 20_000;
const RATE = 1_000;
const WEIGHTS = [500, 50];
const CONNECTIONS = 2;

await withEnvoy(async () => {
  const fleet = await startFleet({ envoys: 2 });
  const direct = http2Target("direct", `http://${fleet.upstreams.get("v1")?.address}`, CONNECTIONS);
  try {
    say(
      `${REQUESTS} requests a row, ${RATE} a second, evenly spaced, in turn through two Envoys with one worker each.`,
    );
    say("Client and servers are one Node process, so the last row is what the others have without an Envoy.");
    const rows = [["v2 is given", "v2 answered", "share", "failed", "p50", "p99"]];
    for (const weight of WEIGHTS) {
      await shiftTo(fleet, weight);
      const targets = fleet.envoys.map(({ target }) => target);
      rows.push(await row(`${weight / 100} %`, fleet, targets));
    }
    rows.push(await row("no Envoy, straight to v1", fleet, [direct]));
    table(rows);
  } finally {
    direct.close();
    await fleet.close();
  }
});

async function shiftTo(fleet: Fleet, v2: number): Promise<void> {
  const weights = { v1: 10_000 - v2, v2 };
  const { state } = await fleet.rollOut("/v1/rollouts", {
    kind: "shift",
    service: "reviews",
    weights,
    reason: "bench",
  });
  if (state !== "done") throw new Error(`the shift ended as ${state}`);
}

async function row(name: string, fleet: Fleet, targets: readonly Target[]): Promise<string[]> {
  const load = fleet.load(RATE, { targets });
  await eventually(() => load.total.counts().sent >= REQUESTS, "all is sent", 60_000 + (REQUESTS / RATE) * 1_000);
  const counts = await load.stop();
  const { p50Ms, p99Ms } = load.total.latency();
  const answered = `${counts.byVersion.get("v2") ?? 0} of ${counts.sent}`;
  const share = `${(100 * shareOf(counts, "v2")).toFixed(2)} %`;
  return [name, answered, share, String(counts.failed), milliseconds(p50Ms), milliseconds(p99Ms)];
}
