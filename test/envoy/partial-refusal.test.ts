import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/control/clock.ts";
import type { FleetEvent, View } from "../../src/control/fleet.ts";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { listenXds } from "../../src/grpc/xds-server.ts";
import { snapshot } from "../../src/index.ts";
import { freeAddress } from "../../src/lab/addresses.ts";
import { Lifetimes } from "../../src/lab/lifetimes.ts";
import { labMesh } from "../../src/lab/mesh-text.ts";
import { envoy, eventually, startEnvoy, startFleet, type TestEnvoy } from "./harness.ts";
import { REFUSED } from "./refusals.ts";

/** A cluster that Envoy takes. */
const cluster = (name: string, more: Readonly<Record<string, unknown>> = {}) => ({
  "@type": CLUSTER,
  name,
  type: "STATIC",
  connect_timeout: "1s",
  load_assignment: { cluster_name: name },
  ...more,
});

/** One that it refuses: it picks its protocol by TLS and has none. */
const BAD = cluster("bad", {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      auto_config: {},
    },
  },
});

const viewOf = (...resources: object[]): View => ({
  snapshot: snapshot({ resources }).content,
  revision: 1,
  group: "g",
});
const GOOD = viewOf(cluster("kept"), cluster("also-kept"));
/** One cluster is changed, one is removed, one is new, and one is bad. */
const PARTLY_BAD = viewOf(cluster("kept", { connect_timeout: "7s" }), cluster("new"), BAD);

let lifetimes = new Lifetimes();
afterEach(async () => {
  await lifetimes.close();
  lifetimes = new Lifetimes();
});

interface Process {
  readonly registry: NodeRegistry;
  eventOf(kind: FleetEvent["kind"]): Promise<FleetEvent>;
  die(): Promise<void>;
}

/** The engine as one run of the control plane has it, on this address. */
async function startProcess(address: string): Promise<Process> {
  let streams = 0;
  const registry = new NodeRegistry({
    clock: systemClock,
    times: { graceMs: 100, holdMs: 1_000 },
    defer: (work) => void setImmediate(work),
    tag: () => `t${++streams}-`,
    redact: (text) => text,
  });
  const events: FleetEvent[] = [];
  registry.listen((event) => events.push(event));
  const listener = await listenXds(address, {
    open: (dialect, sink, typeUrl) => registry.open(dialect, sink, typeUrl),
    identifier: () => "belay-test",
    onWarning: () => {},
  });
  return {
    registry,
    eventOf: (kind) => eventually(() => events.find((event) => event.kind === kind), `an event ${kind}`),
    die: async () => {
      registry.close("unavailable", "killed");
      await listener.close(0);
    },
  };
}

/** Name and time-out of each cluster that xDS has given it. */
async function clustersOf(proxy: TestEnvoy): Promise<Record<string, string>> {
  const { configs } = (await proxy.configDump()) as {
    configs: readonly { dynamic_active_clusters?: { cluster: { name: string; connect_timeout: string } }[] }[];
  };
  const active = configs.flatMap(({ dynamic_active_clusters: list = [] }) => list);
  return Object.fromEntries(active.map((entry) => [entry.cluster.name, entry.cluster.connect_timeout]));
}

const KEPT = { kept: "1s", "also-kept": "1s" };
/** What Envoy has made of the refused response: all of it but for the bad cluster. */
const MIXED = { kept: "7s", new: "1s" };

describe.skipIf("missing" in envoy).each([
  ["state of the world", false],
  ["delta", true],
])("what a refused response left in force, %s", (_dialect, delta) => {
  async function refusing(): Promise<{ xds: string; first: Process; proxy: TestEnvoy; names: readonly string[] }> {
    const xds = await freeAddress();
    const first = await startProcess(xds);
    void lifetimes.add(Promise.resolve(first), () => first.die());
    const dir = await lifetimes.add(mkdtemp(join(tmpdir(), "belay-test-")), (made) =>
      rm(made, { recursive: true, force: true }),
    );
    const place = { id: "edge-1", listen: await freeAddress() };
    first.registry.listen((event) => {
      if (event.kind === "connected") first.registry.assign(place.id, GOOD);
    });
    const proxy = await lifetimes.add(startEnvoy(place, xds, dir, { delta }), async (made) => {
      made.target.close();
      await made.stop();
    });
    await proxy.ready();
    await first.eventOf("converged");
    expect(await clustersOf(proxy)).toEqual(KEPT);
    first.registry.assign(place.id, PARTLY_BAD);
    const refused = await first.eventOf("refused");
    if (refused.kind !== "refused") throw new Error("not a refusal");
    expect(await clustersOf(proxy)).toEqual(MIXED);
    return { xds, first, proxy, names: refused.names };
  }

  test("N15 is undone on the same stream", async () => {
    const { first, proxy } = await refusing();
    first.registry.assign("edge-1", GOOD);
    await first.eventOf("repaired");
    expect(await clustersOf(proxy)).toEqual(KEPT);
  });

  test("N15 is undone by the process that comes after, which knows of the refusal and nothing else", async () => {
    const { xds, first, proxy, names } = await refusing();
    await first.die();
    const second = await startProcess(xds);
    void lifetimes.add(Promise.resolve(second), () => second.die());
    second.registry.distrust("edge-1", CLUSTER, names);
    second.registry.assign("edge-1", GOOD);
    await second.eventOf("converged");
    expect(await clustersOf(proxy)).toEqual(KEPT);
  });

  test("N15 a revision with a good cluster and a bad one leaves neither behind once it is taken back", async () => {
    const fleet = await lifetimes.add(startFleet({ envoys: 1, delta }), (started) => started.close());
    const [proxy] = fleet.envoys;
    if (proxy === undefined) throw new Error("no Envoy");
    const before = await clustersOf(proxy);
    const applied = await fleet.applied();
    const bad = REFUSED[1]?.yaml ?? "";
    const good = bad.replaceAll("extra", "fine").replace(/^ *typed_extension_protocol_options:[\s\S]*/m, "");
    const source = labMesh({ ...fleet.parts, resources: good + bad });
    const rollout = await fleet.rollOut("/v1/revisions", { source, reason: "half a mistake" });
    expect(rollout.state).toBe("rolledBack");
    await fleet.inSync();
    // The good one was there: Envoy has counted that it came.
    expect((await fleet.appliedSince(applied)).join()).toContain("cluster_added");
    expect(await clustersOf(proxy)).toEqual(before);
  });
});
