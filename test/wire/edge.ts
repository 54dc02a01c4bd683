import { createHash } from "node:crypto";
import type { FleetEvent, View } from "../../src/control/fleet.ts";
import type { LostLimits } from "../../src/control/lost-nodes.ts";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import type { PollLimits } from "../../src/control/recent-polls.ts";
import type { Reference, Resource } from "../../src/core/resource/resource.ts";
import { snapshotOf } from "../../src/core/snapshot/snapshot.ts";
import type { Routes } from "../../src/grpc/call.ts";
import type { XdsListener, XdsServerOptions } from "../../src/grpc/xds-server.ts";
import { listenXds } from "../../src/grpc/xds-server.ts";
import { settingsWith } from "../control/settings.ts";
import { AdsClient, nodeBytes } from "./ads-client.ts";

const digest = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");

/** A resource whose bytes are its version. */
export function resource(typeUrl: string, name: string, version: string, refs: readonly Reference[] = []): Resource {
  return { typeUrl, name, version, bytes: Buffer.from(version), refs };
}

export function viewOf(...resources: Resource[]): View {
  return { snapshot: snapshotOf(resources, digest), revision: 1, group: "g" };
}

/** The bytes of a node with this id. */
export const nodeOf = (id: string): Buffer => nodeBytes({ id, cluster: "edge" });

/** A registry behind a listening xDS server, and clients of it. */
export interface Edge {
  readonly registry: NodeRegistry;
  readonly listener: XdsListener;
  readonly port: number;
  readonly events: FleetEvent[];
  connect(dialect: "sotw" | "delta", method?: string): AdsClient;
  /** Resolves with the first event of the kind, also one that has happened. */
  eventOf(kind: FleetEvent["kind"]): Promise<FleetEvent>;
  close(): Promise<void>;
}

/** What is kept of nodes that are away, and of those that poll. */
interface Limits {
  readonly lost?: Partial<LostLimits>;
  readonly polls?: Partial<PollLimits>;
}

export async function startEdge(
  times = { graceMs: 200, holdMs: 5_000 },
  more: (registry: NodeRegistry) => Routes = () => new Map(),
  settings: Partial<XdsServerOptions> & Limits = {},
): Promise<Edge> {
  const redact = (text: string): string => text.replaceAll("secret", "[redacted]");
  const registry = new NodeRegistry(settingsWith({ times, redact }), settings.lost, settings.polls);
  const events: FleetEvent[] = [];
  const clients: AdsClient[] = [];
  registry.listen((event) => events.push(event));
  const listener: XdsListener = await listenXds("127.0.0.1:0", {
    open: (dialect, sink, typeUrl) => registry.open(dialect, sink, typeUrl),
    fetch: (request, node) => registry.fetchOnce(request, node),
    identifier: () => "belay-test",
    onWarning: () => {},
    more: more(registry),
    ...settings,
  });
  return {
    registry,
    listener,
    port: listener.port,
    events,
    connect(dialect, method) {
      const client = new AdsClient(`127.0.0.1:${listener.port}`, dialect, method);
      clients.push(client);
      return client;
    },
    eventOf(kind) {
      const seen = events.find((event) => event.kind === kind);
      if (seen !== undefined) return Promise.resolve(seen);
      return new Promise((resolve) => {
        const stop = registry.listen((event) => {
          if (event.kind !== kind) return;
          stop();
          resolve(event);
        });
      });
    },
    async close() {
      for (const client of clients) client.close();
      registry.close("ok", "the test is over");
      await listener.close(100);
    },
  };
}
