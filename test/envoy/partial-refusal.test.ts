import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { freeAddress } from "../../src/lab/addresses.ts";
import { Lifetimes } from "../../src/lab/lifetimes.ts";
import { labMesh } from "../../src/lab/mesh-text.ts";
import { cluster, clustersOf, type Engine, startEngine, viewOf } from "./engine.ts";
import { envoy, eventually, startEnvoy, startFleet, type TestEnvoy } from "./harness.ts";
import { REFUSED } from "./refusals.ts";

/** One that it refuses: it picks its protocol by TLS and has none. */
const BAD = cluster("bad", {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      auto_config: {},
    },
  },
});

const GOOD = viewOf(cluster("kept"), cluster("also-kept"));
/** One cluster is changed, one is removed, one is new, and one is bad. */
const PARTLY_BAD = viewOf(cluster("kept", { connect_timeout: "7s" }), cluster("new"), BAD);

let lifetimes = new Lifetimes();
afterEach(async () => {
  await lifetimes.close();
  lifetimes = new Lifetimes();
});

const WARMING = "cluster_manager.warming_clusters";
const KEPT = { kept: "1s", "also-kept": "1s" };
/** What Envoy has made of the refused response: all of it but for the bad cluster. */
const MIXED = { kept: "7s", new: "1s" };

async function engineAt(xds: string): Promise<Engine> {
  return await lifetimes.add(startEngine(xds), (engine) => engine.die());
}

/** An engine, and an Envoy that has all of GOOD. */
async function startWithEnvoy(delta: boolean): Promise<{ xds: string; first: Engine; proxy: TestEnvoy }> {
  const xds = await freeAddress();
  const first = await engineAt(xds);
  const dir = await lifetimes.add(mkdtemp(join(tmpdir(), "belay-test-")), (made) =>
    rm(made, { recursive: true, force: true }),
  );
  first.give("edge-1", GOOD);
  const place = { id: "edge-1", listen: await freeAddress() };
  const proxy = await lifetimes.add(startEnvoy(place, xds, dir, { delta }), async (made) => {
    made.target.close();
    await made.stop();
  });
  await proxy.ready();
  await first.eventOf("converged");
  expect(await clustersOf(proxy)).toEqual(KEPT);
  return { xds, first, proxy };
}

describe.skipIf("missing" in envoy).each([
  ["state of the world", false],
  ["delta", true],
])("what a refused response left in force, %s", (_dialect, delta) => {
  async function refusing(): Promise<{ xds: string; first: Engine; proxy: TestEnvoy; names: readonly string[] }> {
    const { xds, first, proxy } = await startWithEnvoy(delta);
    first.give("edge-1", PARTLY_BAD);
    const refused = await first.eventOf("refused");
    if (refused.kind !== "refused") throw new Error("not a refusal");
    expect(await clustersOf(proxy)).toEqual(MIXED);
    return { xds, first, proxy, names: refused.names };
  }

  test("N15 is undone on the same stream", async () => {
    const { first, proxy } = await refusing();
    first.give("edge-1", GOOD);
    await first.eventOf("repaired");
    expect(await clustersOf(proxy)).toEqual(KEPT);
  });

  test("N15 is undone by the process that comes after, which knows of the refusal and nothing else", async () => {
    const { xds, first, proxy, names } = await refusing();
    await first.die();
    const second = await engineAt(xds);
    second.registry.distrust("edge-1", CLUSTER, names);
    second.give("edge-1", GOOD);
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

describe.skipIf("missing" in envoy)("a cluster that is still warming, state of the world", () => {
  test("R6 P36 is let go by a server that does not know it: its endpoints are said to be none, and clusters are asked for", async () => {
    const { xds, first, proxy } = await startWithEnvoy(false);
    const eds = { eds_config: { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" } };
    const warming = { "@type": CLUSTER, name: "warming", type: "EDS", connect_timeout: "1s", eds_cluster_config: eds };
    first.give("edge-1", viewOf(cluster("kept"), cluster("also-kept"), warming));
    const count = async () => (await proxy.stats("^cluster_manager\\.warming_clusters$")).get(WARMING);
    await eventually(async () => (await count()) === 1n, "the cluster is warming");
    await first.die();
    const second = await engineAt(xds);
    second.give("edge-1", GOOD);
    await eventually(async () => (await count()) === 0n, "nothing is warming any more", 10_000);
    // Warm without endpoints it is taken for what it was, until the answer for clusters has come.
    await eventually(async () => !("warming" in (await clustersOf(proxy))), "the cluster is gone", 10_000);
    expect(await clustersOf(proxy)).toEqual(KEPT);
  });
});
