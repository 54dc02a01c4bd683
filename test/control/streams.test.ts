import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { FleetEvent, View } from "../../src/control/fleet.ts";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import type { XdsSession } from "../../src/control/sessions.ts";
import type { NodeIdentity } from "../../src/core/node/node.ts";
import { CLUSTER, ROUTES } from "../../src/core/resource/type-url.ts";
import { snapshotOf } from "../../src/core/snapshot/snapshot.ts";
import type { Dialect, Response } from "../../src/core/xds/message.ts";
import { settingsWith } from "./settings.ts";
import { VirtualClock } from "./virtual-clock.ts";

const digest = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");
const NODE: NodeIdentity = { id: "n1", cluster: "edge", labels: {}, zone: "", envoyVersion: "1.40.0" };

function viewOf(routes: string, ...clusters: string[]): View {
  const resource = (typeUrl: string, name: string, version: string, to: readonly string[] = []) => {
    const refs = to.map((cluster) => ({ typeUrl: CLUSTER, name: cluster }));
    return { typeUrl, name, version, bytes: new Uint8Array(), refs };
  };
  const all = [resource(ROUTES, "r", routes, clusters), ...clusters.map((name) => resource(CLUSTER, name, "1"))];
  return { snapshot: snapshotOf(all, digest), revision: 1, group: "g" };
}

let clock: VirtualClock;
let registry: NodeRegistry;
let events: FleetEvent[];
let work: (() => void)[];

beforeEach(() => {
  clock = new VirtualClock();
  work = [];
  events = [];
  registry = new NodeRegistry(settingsWith({ clock, defer: (job) => void work.push(job) }));
  registry.listen((event) => events.push(event));
});

function settle(): void {
  for (const job of work.splice(0)) job();
}

function assign(view: View): void {
  registry.assign("n1", view);
  settle();
}

/** A client that asks for all clusters and one route table. */
class FakeEnvoy {
  readonly received: Response[] = [];
  readonly #session: XdsSession;
  readonly #dialect: Dialect;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
    this.#session = registry.open(dialect, { send: (response) => this.received.push(response), end: () => {} });
  }

  ask(typeUrl: string, names: readonly string[], node: NodeIdentity | undefined = NODE): void {
    if (this.#dialect === "sotw") this.#session.onSotw({ typeUrl, names, nonce: "", versionInfo: "" }, node);
    else {
      const initialVersions = new Map<string, string>();
      this.#session.onDelta({ typeUrl, subscribe: names, unsubscribe: [], initialVersions, nonce: "" }, node);
    }
    settle();
  }

  answer(error?: string): void {
    for (const { typeUrl, nonce, version } of this.received.splice(0)) {
      const more = error === undefined ? {} : { error: { code: 13, message: error } };
      if (this.#dialect === "sotw") {
        const names = typeUrl === ROUTES ? ["r"] : [];
        this.#session.onSotw({ typeUrl, names, nonce, versionInfo: version, ...more }, undefined);
      } else {
        const initialVersions = new Map<string, string>();
        this.#session.onDelta({ typeUrl, subscribe: [], unsubscribe: [], initialVersions, nonce, ...more }, undefined);
      }
    }
    settle();
  }

  close(): void {
    this.#session.onClosed();
  }
}

/** How far a stream gets before it goes. */
const PHASES: readonly (readonly [string, (client: FakeEnvoy) => void])[] = [
  ["before its first request", () => {}],
  ["with a request that is not answered yet", (client) => client.ask(CLUSTER, [])],
  [
    "with responses on their way",
    (client) => {
      assign(viewOf("1", "a", "b"));
      client.ask(CLUSTER, []);
      client.ask(ROUTES, ["r"]);
    },
  ],
  ["in sync", inSync],
  [
    "with a refusal",
    (client) => {
      inSync(client);
      assign(viewOf("2", "a", "b"));
      client.answer("no");
    },
  ],
  [
    "while a removal waits for its time",
    (client) => {
      inSync(client);
      assign(viewOf("2", "a"));
      client.answer();
      expect(clock.pending).toBeGreaterThan(0);
    },
  ],
];

function inSync(client: FakeEnvoy): void {
  client.ask(CLUSTER, []);
  assign(viewOf("1", "a", "b"));
  client.answer();
  client.ask(ROUTES, ["r"]);
  client.answer();
  client.answer();
}

describe.each(["sotw", "delta"] as const)("streams, %s", (dialect) => {
  it.each(PHASES)("P51 one that goes %s leaves nothing behind: no timer, no listener, no answer", (_, reach) => {
    for (let round = 0; round < 20; round += 1) {
      const client = new FakeEnvoy(dialect);
      reach(client);
      client.close();
      client.received.length = 0;
      expect(clock.pending).toBe(0);
      assign(viewOf(`later ${round}`, "c"));
      settle();
      clock.advance(60_000);
      expect(client.received).toEqual([]);
      expect(registry.nodes().filter(({ connected }) => connected)).toEqual([]);
    }
    expect(registry.nodes().length).toBeLessThanOrEqual(1);
  });

  it("P54 a node that says anew who it is in the middle of a stream is told to listeners, once", () => {
    const client = new FakeEnvoy(dialect);
    client.ask(CLUSTER, []);
    const moved = { ...NODE, labels: { env: "prod" } };
    client.ask(ROUTES, ["r"], moved);
    client.ask(ROUTES, ["r"], moved);
    const connected = events.filter(({ kind }) => kind === "connected");
    expect(connected.map(({ node }) => node.labels)).toEqual([{}, { env: "prod" }]);
    expect(registry.node("n1")?.identity).toEqual(moved);
  });

  it("P66 a node that comes back is answered from what is kept for it, without waiting for anybody", () => {
    const first = new FakeEnvoy(dialect);
    inSync(first);
    first.close();
    clock.advance(3_600_000);
    const again = new FakeEnvoy(dialect);
    again.ask(CLUSTER, []);
    expect(again.received.map(({ typeUrl, resources }) => [typeUrl, resources.map(({ name }) => name)])).toEqual([
      [CLUSTER, ["a", "b"]],
    ]);
  });
});
