import type { Registry } from "prom-client";
import { Counter, Gauge } from "prom-client";
import type { LoadReports } from "../control/load-reports.ts";
import type { Telemetry, TelemetryKind } from "../control/telemetry.ts";

/** What Envoys push to us, as far as it is counted. */
export interface Pushed {
  readonly reports: Pick<LoadReports, "counts">;
  readonly telemetry: Pick<Telemetry, "counts">;
}

const KINDS: readonly TelemetryKind[] = ["metrics", "access-log"];

/** Counts of what came; what it says of clusters has no place here, for they are no closed list. */
export function addPushedMetrics(registry: Registry, { reports, telemetry }: Pushed): void {
  const registers = [registry];
  new Counter({
    name: "belay_load_reports_total",
    help: "Load reports received",
    registers,
    collect() {
      this.reset();
      this.inc(reports.counts().received);
    },
  });
  new Gauge({
    name: "belay_nodes_reporting_load",
    help: "Envoys whose load reports are kept",
    registers,
    collect() {
      this.set(reports.counts().nodes);
    },
  });
  const counter = (name: string, help: string, field: "messages" | "unreadable"): void => {
    new Counter({
      name,
      help,
      labelNames: ["service"],
      registers,
      collect() {
        this.reset();
        for (const service of KINDS) this.inc({ service }, telemetry.counts(service)[field]);
      },
    });
  };
  counter("belay_telemetry_messages_total", "Messages of metrics and access logs received", "messages");
  counter("belay_telemetry_unreadable_total", "Those of them that could not be read", "unreadable");
}
