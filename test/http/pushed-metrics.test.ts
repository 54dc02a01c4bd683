import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { LoadReports } from "../../src/control/load-reports.ts";
import { Telemetry } from "../../src/control/telemetry.ts";
import { addPushedMetrics } from "../../src/http/pushed-metrics.ts";
import { VirtualClock } from "../control/virtual-clock.ts";

test("what Envoys push is counted, each scrape anew, without a series for a node or a cluster", async () => {
  const reports = new LoadReports(new VirtualClock());
  const telemetry = new Telemetry();
  const registry = new Registry();
  addPushedMetrics(registry, { reports, telemetry });
  const counts = { success: 1, error: 0, issued: 1, dropped: 0, inProgress: 0, intervalMs: 10_000 };
  reports.add("edge-1", [{ cluster: "reviews@v1", ...counts }]);
  reports.add("edge-1", []);
  telemetry.open("metrics").received(10, 3);
  telemetry.open("access-log").received(10, undefined);
  await registry.metrics();
  const text = await registry.metrics();
  expect(text).toContain("belay_load_reports_total 2\n");
  expect(text).toContain("belay_nodes_reporting_load 1\n");
  expect(text).toContain('belay_telemetry_messages_total{service="metrics"} 1\n');
  expect(text).toContain('belay_telemetry_unreadable_total{service="metrics"} 0\n');
  expect(text).toContain('belay_telemetry_unreadable_total{service="access-log"} 1\n');
  expect(text).not.toMatch(/edge-1|reviews/);
});
