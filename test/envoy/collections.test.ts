import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { freeAddress } from "../../src/lab/addresses.ts";
import { Lifetimes } from "../../src/lab/lifetimes.ts";
import { cluster, clustersOf, startEngine, viewOf } from "./engine.ts";
import { envoy, eventually, startEnvoy, type TestEnvoy } from "./harness.ts";

const CLUSTERS = "xdstp://authority/envoy.config.cluster.v3.Cluster/edge";

let lifetimes = new Lifetimes();
afterEach(async () => {
  await lifetimes.close();
  lifetimes = new Lifetimes();
});

/** An Envoy whose clusters are a collection, not everything of the type. */
async function start(xds: string): Promise<TestEnvoy> {
  const dir = await lifetimes.add(mkdtemp(join(tmpdir(), "belay-test-")), (made) =>
    rm(made, { recursive: true, force: true }),
  );
  const bootstrap = (made: Readonly<Record<string, unknown>>) => ({
    ...made,
    dynamic_resources: {
      ...(made["dynamic_resources"] as Record<string, unknown>),
      cds_resources_locator: `${CLUSTERS}/*?zone=z&tier=1`,
    },
  });
  const place = { id: "edge-1", listen: await freeAddress() };
  const proxy = await lifetimes.add(startEnvoy(place, xds, dir, { delta: true, bootstrap }), async (made) => {
    made.target.close();
    await made.stop();
  });
  await proxy.ready();
  return proxy;
}

describe.skipIf("missing" in envoy)("U11 clusters as a collection, on a real Envoy", () => {
  test("are what is in it: one comes, one goes, others are not told", async () => {
    const xds = await freeAddress();
    const engine = await lifetimes.add(startEngine(xds), (made) => made.die());
    const member = (name: string) => cluster(`${CLUSTERS}/${name}?tier=1&zone=z`);
    engine.give(
      "edge-1",
      viewOf(member("a"), member("b"), cluster("plain"), cluster(`${CLUSTERS}/deep/c?tier=1&zone=z`)),
    );
    const proxy = await start(xds);
    const names = async () => Object.keys(await clustersOf(proxy)).sort();
    expect(await names()).toEqual([`${CLUSTERS}/a?tier=1&zone=z`, `${CLUSTERS}/b?tier=1&zone=z`]);
    engine.give("edge-1", viewOf(member("b"), member("new"), cluster("plain")));
    const after = [`${CLUSTERS}/b?tier=1&zone=z`, `${CLUSTERS}/new?tier=1&zone=z`];
    await eventually(async () => (await names()).join() === after.join(), "one has come and one is gone", 10_000);
  });

  test("an empty one does not hold back its start", async () => {
    const xds = await freeAddress();
    const engine = await lifetimes.add(startEngine(xds), (made) => made.die());
    engine.give("edge-1", viewOf(cluster("plain")));
    const proxy = await start(xds);
    expect(await clustersOf(proxy)).toEqual({});
  });
});
