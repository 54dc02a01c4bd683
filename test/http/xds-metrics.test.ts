import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { FleetEvent } from "../../src/control/fleet.ts";
import { LoadReports } from "../../src/control/load-reports.ts";
import { Telemetry } from "../../src/control/telemetry.ts";
import { observe, XdsCounters } from "../../src/control/xds-counters.ts";
import { xdsStats } from "../../src/control/xds-stats.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { PUSH_ACK, XDS_METRICS } from "../../src/http/xds-metrics.ts";
import { VirtualClock } from "../control/virtual-clock.ts";
import { nodeOf } from "./fake-control-plane.ts";
import { type Serving, serving } from "./serving.ts";

const page = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");

/** A server that counts everything that there is to count. */
async function started(counters: XdsCounters): Promise<{ served: Serving; tell: (event: FleetEvent) => void }> {
  let tell: (event: FleetEvent) => void = () => {};
  const fleet = {
    listen(listener: (event: FleetEvent) => void) {
      tell = listener;
      return () => {};
    },
  };
  const served = await serving("127.0.0.1:0", undefined, fleet, {
    xdsStats: () => xdsStats(counters, []),
    xdsCertificateEnds: () => 4_000_000_000_000,
    pushed: { reports: new LoadReports(new VirtualClock()), telemetry: new Telemetry() },
  });
  return { served, tell: (event) => tell(event) };
}

const linesOf = async (served: Serving): Promise<string[]> => (await served.ask("GET", "/metrics")).text.split("\n");

test("docs/metrics.md has each metric that is served with its type and labels, and no other", async () => {
  const { served, tell } = await started(new XdsCounters());
  const { identity: node } = nodeOf("edge-1");
  const about = { node, group: "g", typeUrl: CLUSTER, version: "v", nonce: "n" };
  tell({ kind: "acked", ...about });
  tell({ kind: "refused", ...about, error: "no", names: [] });
  await served.ask("GET", "/v1/status");
  const lines = await linesOf(served);
  const shown = lines.flatMap((line) => {
    const [, name = "", type = ""] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    const sample = lines.find((one) => new RegExp(`^${name}(_bucket)?[{ ]`).test(one)) ?? "";
    const labels = [...sample.matchAll(/[{,]([a-z]+)="/g)]
      .map(([, label = ""]) => label)
      .filter((label) => label !== "le");
    return name === "" ? [] : [`${name} ${type} ${labels.sort().join(" ")}`];
  });
  const written = page.split("\n").flatMap((line) => {
    const [, name, type, labels = ""] = /^\| `(\w+)` \| (\w+) \| ([^|]*)\|/.exec(line) ?? [];
    const names = [...labels.matchAll(/`(\w+)`/g)].map(([, label = ""]) => label);
    return name === undefined ? [] : [`${name} ${type} ${names.sort().join(" ")}`];
  });
  expect(shown.sort()).toEqual(written.sort());
});

test("labels are closed lists: every series is there from the first scrape, and the page names each value (P58)", async () => {
  const counters = new XdsCounters();
  const { served } = await started(counters);
  const before = (await linesOf(served)).filter((line) => line.startsWith("belay_xds_"));
  counters.of("type.googleapis.com/made.up.Type").responses += 1;
  counters.of("type.googleapis.com/another.Type").responses += 1;
  const after = (await linesOf(served)).filter((line) => line.startsWith("belay_xds_"));
  const series = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/ \S+$/, ""));
  expect(series(after)).toEqual(series(before));
  expect(after).toContain('belay_xds_responses_total{type="other"} 2');
  const values = series(after).flatMap((line) => [...line.matchAll(/(?:type|reason|rpc|dialect)="([^"]+)"/g)]);
  for (const value of new Set(values.map(([, text]) => text))) expect(page).toContain(`\`${value}\``);
  expect(XDS_METRICS.length).toBeGreaterThan(8);
});

test("latencies are a histogram as Prometheus wants it", async () => {
  const counters = new XdsCounters();
  for (const ms of [0, 1, 3, 999, 3_600_000]) observe(counters.of(CLUSTER).pushToAck, ms);
  const { served } = await started(counters);
  const lines = (await linesOf(served)).filter((line) => line.startsWith(PUSH_ACK.name) && line.includes("clusters"));
  const buckets = lines.flatMap((line) => {
    const [, le, count] = /le="([^"]+)"\} (\d+)$/.exec(line) ?? [];
    return le === undefined ? [] : [[le, Number(count)]];
  });
  expect(Object.fromEntries(buckets)).toMatchObject({
    "0.001": 2,
    "0.0025": 2,
    "0.005": 3,
    "0.5": 3,
    "1": 4,
    "60": 4,
    "+Inf": 5,
  });
  expect(lines).toContain('belay_xds_push_ack_seconds_sum{type="clusters"} 3601.003');
  expect(lines).toContain('belay_xds_push_ack_seconds_count{type="clusters"} 5');
});
