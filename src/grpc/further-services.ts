import type { NodeRegistry } from "../control/node-registry.ts";
import type { Telemetry } from "../control/telemetry.ts";
import type { Routes } from "./call.ts";
import { clientStatusRoutes } from "./client-status.ts";
import { loadReportingRoutes } from "./load-reporting.ts";
import { telemetryRoutes } from "./telemetry.ts";

/** What the services besides discovery need. */
export interface FurtherServices {
  readonly registry: NodeRegistry;
  readonly telemetry: Telemetry;
  /** How often load reports are wanted, in milliseconds; 10 s. */
  readonly loadReportMs?: number | undefined;
}

/** Services that Envoys and tools call besides those of discovery. */
export function furtherRoutes({ registry, telemetry, loadReportMs }: FurtherServices): Routes {
  return new Map([
    ...loadReportingRoutes({
      add: (nodeId, report) => registry.reports.add(nodeId, report),
      ...(loadReportMs === undefined ? {} : { intervalMs: loadReportMs }),
    }),
    ...telemetryRoutes(telemetry),
    ...clientStatusRoutes(registry),
  ]);
}
