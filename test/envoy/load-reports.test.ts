import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, describe, expect, test } from "vitest";
import type { ClusterLoad } from "../../src/core/load/report.ts";
import { XDS_CLUSTER } from "../../src/core/mesh/names.ts";
import { bootstrap } from "../../src/envoy/bootstrap.ts";
import { freeAddress } from "../../src/lab/addresses.ts";
import { Lifetimes } from "../../src/lab/lifetimes.ts";
import { burst } from "../../src/lab/load.ts";
import { LAB_CLUSTER, labMesh } from "../../src/lab/mesh-text.ts";
import { startUpstream } from "../../src/lab/upstream.ts";
import { type RunningServer, serve } from "../../src/serve.ts";
import { ServiceClient } from "../wire/service-client.ts";
import { envoy, eventually, startEnvoy, type TestEnvoy } from "./harness.ts";

/** Short, so that the test is; a real control plane asks for one each ten seconds. */
const INTERVAL_MS = 500;
const CLUSTER = "reviews@v1";

const lifetimes: Lifetimes[] = [];
afterEach(async () => {
  for (const one of lifetimes.splice(0)) await one.close();
});

interface World {
  readonly server: RunningServer;
  readonly proxy: TestEnvoy;
  /** Sends so many requests; each is answered, whatever with. */
  send(count: number): Promise<void>;
}

/** A control plane in this process, and one Envoy that reports to it. */
async function world(failureRate: number): Promise<World> {
  const life = new Lifetimes();
  lifetimes.push(life);
  const making = mkdtemp(join(tmpdir(), "belay-loads-"));
  const dir = await life.add(making, (made) => rm(made, { recursive: true, force: true }));
  const upstream = await life.add(startUpstream({ version: "v1", failureRate }), (one) => one.close());
  const place = { id: "edge-1", listen: await freeAddress() };
  const mesh = join(dir, "mesh.yaml");
  await writeFile(mesh, labMesh({ gateways: [place], versions: { v1: upstream.address } }));
  const server = await life.add(
    serve({
      data: join(dir, "data"),
      mesh,
      xds: "127.0.0.1:0",
      http: "127.0.0.1:0",
      loadReportMs: INTERVAL_MS,
      log: pino({ level: "silent" }),
    }),
    (one) => one.close(),
  );
  const proxy = await life.add(
    startEnvoy(place, server.xds, dir, { bootstrap: (plain) => reporting(plain, server.xds) }),
    async (one) => {
      one.target.close();
      await one.stop();
    },
  );
  await proxy.ready();
  const send = async (count: number): Promise<void> => {
    await burst(count, { targets: [proxy.target], path: "/reviews" });
  };
  return { server, proxy, send };
}

/** Pushes metrics over the connection that there is. */
const METRICS_SINK = {
  name: "envoy.stat_sinks.metrics_service",
  typed_config: {
    "@type": "type.googleapis.com/envoy.config.metrics.v3.MetricsServiceConfig",
    transport_api_version: "V3",
    grpc_service: { envoy_grpc: { cluster_name: XDS_CLUSTER } },
  },
};

/** The bootstrap of the lab with what the option adds to it, and metrics. */
function reporting(plain: Readonly<Record<string, unknown>>, xds: string): Readonly<Record<string, unknown>> {
  const [host = "", port] = xds.split(":");
  const own = bootstrap({
    node: { id: "edge-1", cluster: LAB_CLUSTER },
    xds: { host, port: Number(port) },
    loadReports: true,
  });
  const { cluster_manager } = own as Record<string, unknown>;
  return { ...plain, cluster_manager, stats_sinks: [METRICS_SINK], stats_flush_interval: "0.2s" };
}

/** The first interval of a cluster is lost: once it has been told of, everything is counted. */
async function afterFirstInterval({ server }: World): Promise<void> {
  await eventually(() => server.loads().has(CLUSTER), "the cluster is in a report");
}

async function loadOf({ server }: World, isThere: (load: ClusterLoad) => boolean): Promise<ClusterLoad> {
  return await eventually(() => {
    const load = server.loads().get(CLUSTER);
    return load !== undefined && isThere(load) ? load : undefined;
  }, "all requests are counted");
}

describe.skipIf("missing" in envoy)("an Envoy that reports its load", () => {
  test("counts every request after its first interval, and no more than were sent", async () => {
    const all = await world(0);
    await afterFirstInterval(all);
    await all.send(300);
    await loadOf(all, ({ success }) => success >= 300);
    await all.send(40);
    const load = await loadOf(all, ({ success, inProgress }) => success >= 340 && inProgress === 0);
    expect(load).toMatchObject({ success: 340, error: 0, dropped: 0, inProgress: 0 });
    expect(load.since).toBeLessThan(Date.now());
  });

  test("counts 5xx as errors", async () => {
    const all = await world(1);
    await afterFirstInterval(all);
    await all.send(50);
    expect(await loadOf(all, ({ error }) => error >= 50)).toMatchObject({ success: 0, error: 50 });
  });

  test("has its metrics taken too, and both are counted", async () => {
    const all = await world(0);
    await afterFirstInterval(all);
    const text = await eventually(async () => {
      const scraped = await (await fetch(`${all.server.http}/metrics`)).text();
      return /^belay_telemetry_messages_total\{service="metrics"\} [1-9]/m.test(scraped) ? scraped : undefined;
    }, "metrics have come");
    expect(text).toContain("belay_nodes_reporting_load 1\n");
    expect(text).toContain('belay_telemetry_unreadable_total{service="metrics"} 0\n');
  });

  test("is told of over CSDS as the control plane has it", async () => {
    const { server } = await world(0);
    await eventually(() => server.controlPlane.nodes()[0]?.state === "IN_SYNC", "the Envoy is in sync");
    const csds = new ServiceClient(
      Number(server.xds.split(":")[1]),
      "envoy/service/status/v3/csds.proto",
      "envoy.service.status.v3.ClientStatusDiscoveryService",
    );
    const { config } = await csds.call("FetchClientStatus", { nodeMatchers: [{ nodeId: { exact: "edge-1" } }] });
    csds.close();
    const [said] = config as { genericXdsConfigs: { typeUrl: string; configStatus: string; versionInfo: string }[] }[];
    const types = [...(server.controlPlane.nodes()[0]?.types ?? [])];
    expect(said?.genericXdsConfigs.map(({ typeUrl, configStatus }) => [typeUrl, configStatus])).toEqual(
      types.map(([typeUrl]) => [typeUrl, "SYNCED"]),
    );
    expect(types.length).toBe(4);
  });
});
