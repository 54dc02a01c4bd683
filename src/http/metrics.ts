import { Counter, Gauge, Registry } from "prom-client";
import type { FleetEvent, NodeState } from "../control/fleet.ts";
import type { Serving } from "./backend.ts";
import { addPushedMetrics } from "./pushed-metrics.ts";
import { addXdsMetrics, typeLabel } from "./xds-metrics.ts";

/** The numbers of one control plane, in a registry of its own. Labels are closed lists: no node, no resource has one. */
export interface Metrics {
  readonly contentType: string;
  scrape(): Promise<string>;
  answered(method: string, status: number): void;
  close(): void;
}

const NODE_STATES: readonly NodeState[] = ["IN_SYNC", "STALE", "REFUSED", "UNMATCHED", "LOST"];
const ROLLOUT_STATES = [
  "planned",
  "applying",
  "held",
  "rollingBack",
  "done",
  "rolledBack",
  "aborted",
  "failed",
] as const;
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "DELETE"]);

/** Starts counting; `close` stops it. */
export function createMetrics(backend: Serving): Metrics {
  const registry = new Registry();
  addStateGauges(registry, backend);
  addProcessGauges(registry, backend.version);
  addCertificateGauge(registry, backend.xdsCertificateEnds);
  if (backend.pushed !== undefined) addPushedMetrics(registry, backend.pushed);
  const xds = backend.xdsStats === undefined ? undefined : addXdsMetrics(registry, backend.xdsStats);
  const requests = new Counter({
    name: "belay_http_requests_total",
    help: "Answers of the HTTP API",
    labelNames: ["method", "code"],
    registers: [registry],
  });
  const stop = countFleet(registry, backend);
  return {
    contentType: registry.contentType,
    scrape: () => {
      xds?.begin();
      return registry.metrics();
    },
    answered: (method, status) =>
      requests.inc({ method: METHODS.has(method) ? method : "other", code: String(status) }),
    close: stop,
  };
}

function addStateGauges(registry: Registry, { controlPlane }: Serving): void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  };
  gauge("belay_ready", "1 when the state is loaded and Envoys are served", () =>
    controlPlane.readiness().ready ? 1 : 0,
  );
  gauge("belay_journal_seq", "Sequence number of the last event", () => controlPlane.state().seq);
  gauge(
    "belay_nodes_connected",
    "Envoys connected now",
    () => controlPlane.nodes().filter((one) => one.connected).length,
  );
  gauge(
    "belay_revision_live",
    "Number of the live revision, 0 for none",
    () => controlPlane.state().live?.revision ?? 0,
  );
  new Gauge({
    name: "belay_nodes",
    help: "Envoys seen by this process, by state",
    labelNames: ["state"],
    registers,
    collect() {
      const nodes = controlPlane.nodes();
      for (const state of NODE_STATES) this.set({ state }, nodes.filter((node) => node.state === state).length);
    },
  });
  new Gauge({
    name: "belay_rollouts",
    help: "Rollouts in the journal, by state",
    labelNames: ["state"],
    registers,
    collect() {
      const rollouts = [...controlPlane.state().rollouts.values()];
      for (const state of ROLLOUT_STATES) this.set({ state }, rollouts.filter((one) => one.state === state).length);
    },
  });
}

/** A certificate that runs out cuts off every Envoy that reconnects. */
function addCertificateGauge(registry: Registry, ends: (() => number) | undefined): void {
  if (ends === undefined) return;
  new Gauge({
    name: "belay_xds_certificate_expiry_timestamp_seconds",
    help: "When the certificate of the port of xDS runs out, in seconds since the epoch",
    registers: [registry],
    collect() {
      this.set(ends() / 1_000);
    },
  });
}

function addProcessGauges(registry: Registry, version: string): void {
  const registers = [registry];
  new Gauge({ name: "belay_build_info", help: "Always 1", labelNames: ["version", "node"], registers }).set(
    { version, node: process.versions.node },
    1,
  );
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Memory of the process",
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: "process_uptime_seconds",
    help: "Since the process started",
    registers,
    collect() {
      this.set(process.uptime());
    },
  });
}

function countFleet(registry: Registry, { fleet }: Serving): () => void {
  const registers = [registry];
  const connects = new Counter({ name: "belay_connects_total", help: "Envoys that connected", registers });
  const losses = new Counter({ name: "belay_losses_total", help: "Envoys that went away", registers });
  const converged = new Counter({ name: "belay_converged_total", help: "Views acknowledged whole", registers });
  const acks = new Counter({ name: "belay_acks_total", help: "Acknowledgements", labelNames: ["type"], registers });
  const nacks = new Counter({ name: "belay_nacks_total", help: "Refusals", labelNames: ["type"], registers });
  const count = (event: FleetEvent): void => {
    if (event.kind === "connected") connects.inc();
    else if (event.kind === "lost") losses.inc();
    else if (event.kind === "converged") converged.inc();
    else if (event.kind === "acked") acks.inc({ type: typeLabel(event.typeUrl) });
    else if (event.kind === "refused") nacks.inc({ type: typeLabel(event.typeUrl) });
  };
  return fleet?.listen(count) ?? (() => {});
}
