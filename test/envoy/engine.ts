import type { FleetEvent, View } from "../../src/control/fleet.ts";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { listenXds } from "../../src/grpc/xds-server.ts";
import { type ResourceInput, snapshot } from "../../src/index.ts";
import type { RunningEnvoy } from "../../src/proxy/run-envoy.ts";
import { settingsWith } from "../control/settings.ts";
import { eventually } from "./harness.ts";

/** A cluster that Envoy takes. */
export const cluster = (name: string, more: Readonly<Record<string, unknown>> = {}) => ({
  "@type": CLUSTER,
  name,
  type: "STATIC",
  connect_timeout: "1s",
  load_assignment: { cluster_name: name },
  ...more,
});

export const viewOf = (...resources: ResourceInput[]): View => ({
  snapshot: snapshot({ resources }).content,
  revision: 1,
  group: "g",
});

/** The engine behind a socket, without the rest of a control plane: it can be stopped between any two events. */
export interface Engine {
  readonly registry: NodeRegistry;
  eventOf(kind: FleetEvent["kind"]): Promise<FleetEvent>;
  /** What the node should have from now on, whether it is here or yet to come. */
  give(nodeId: string, view: View): void;
  die(): Promise<void>;
}

/** The engine as one run of the control plane has it, on this address. */
export async function startEngine(address: string): Promise<Engine> {
  const registry = new NodeRegistry(settingsWith({ times: { graceMs: 100, holdMs: 1_000 } }));
  const events: FleetEvent[] = [];
  const given = new Map<string, View>();
  registry.listen((event) => {
    events.push(event);
    if (event.kind === "connected") registry.assign(event.node.id, given.get(event.node.id));
  });
  const listener = await listenXds(address, {
    open: (dialect, sink, typeUrl) => registry.open(dialect, sink, typeUrl),
    identifier: () => "belay-test",
    onWarning: () => {},
  });
  return {
    registry,
    eventOf: (kind) => eventually(() => events.find((event) => event.kind === kind), `an event ${kind}`),
    give: (nodeId, view) => {
      given.set(nodeId, view);
      registry.assign(nodeId, view);
    },
    die: async () => {
      registry.close("unavailable", "killed");
      await listener.close(0);
    },
  };
}

/** Name and time-out of each cluster that xDS has given it and that is warm. */
export async function clustersOf(proxy: RunningEnvoy): Promise<Record<string, string>> {
  const { configs } = (await proxy.configDump()) as {
    configs: readonly { dynamic_active_clusters?: { cluster: { name: string; connect_timeout: string } }[] }[];
  };
  const active = configs.flatMap(({ dynamic_active_clusters: list = [] }) => list);
  return Object.fromEntries(active.map((entry) => [entry.cluster.name, entry.cluster.connect_timeout]));
}
