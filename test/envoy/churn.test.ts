import { afterEach, describe, expect, test } from "vitest";
import { freeAddress } from "../../src/lab/addresses.ts";
import { Lifetimes } from "../../src/lab/lifetimes.ts";
import { type Load, startLoad } from "../../src/lab/load.ts";
import { http2Target, type Target } from "../../src/lab/target.ts";
import { startUpstream } from "../../src/lab/upstream.ts";
import { type FoundEnvoy, findEnvoy } from "../../src/proxy/find-envoy.ts";
import type { RunningEnvoy } from "../../src/proxy/run-envoy.ts";
import { firstScene, resourcesOf, type Scene, stepsOf, take } from "./churn.ts";
import { clustersOf } from "./engine.ts";
import { eventually } from "./harness.ts";
import { findOldEnvoy } from "./old-envoy.ts";
import { sourceOf, type Transport } from "./resources.ts";
import { give, type Served, serveLibrary, startProxy } from "./served-envoy.ts";

const CHANGES = 200;
const SEED = 20_240_611;
const RATE = 400;
/** Sent after a change was taken and before the next: what a change does later, it does under load too. */
const BETWEEN = 8;

let lifetimes = new Lifetimes();
afterEach(async () => {
  await lifetimes.close();
  lifetimes = new Lifetimes();
});

interface World extends Served {
  readonly scene: Scene;
  readonly proxy: RunningEnvoy;
  /** Of the two gateways. */
  readonly targets: readonly Target[];
  readonly load: Load;
}

/** A server of the library, an Envoy that has the first scene, and load to its two gateways. */
async function startWorld(envoy: FoundEnvoy, transport: Transport): Promise<World> {
  const servers = ["v1", "v2", "extra"].map((version) =>
    lifetimes.add(startUpstream({ version }), (one) => one.close()),
  );
  const free: string[] = [];
  while (free.length < 4) free.push(await freeAddress());
  const [first = "", second = "", ...spareAddresses] = free;
  const upstreams = (await Promise.all(servers)).map(({ address }) => address);
  const scene = firstScene({ source: sourceOf(transport), upstreams, addresses: [first, second], spareAddresses });
  const served = await serveLibrary(lifetimes);
  await give(served.cache, resourcesOf(scene));
  const proxy = await startProxy(lifetimes, { envoy, id: "churn-1", transport, xds: served.xds });
  await proxy.ready();
  const targets = scene.gateways.map(({ name, address }) => http2Target(name, `http://${address}`, 2));
  for (const target of targets) await lifetimes.add(Promise.resolve(target), async (one) => one.close());
  const load = startLoad({ targets, path: "/", rate: RATE });
  await lifetimes.add(Promise.resolve(load), (one) => one.stop());
  return { ...served, scene, proxy, targets, load };
}

/** Asks what the load does not: listeners that are new, and the routes that come and go. Returns how often, of gateways. */
async function probe({ scene, targets }: World, known: ReadonlySet<string>): Promise<number> {
  for (const [name, address] of scene.spares) {
    if (known.has(name)) continue;
    const target = http2Target(name, `http://${address}`);
    const { status } = await target.request("/", { timeoutMs: 10_000 });
    target.close();
    expect({ name, status }).toEqual({ name, status: 200 });
  }
  let asked = 0;
  for (const [index, gateway] of scene.gateways.entries()) {
    const wanted = gateway.extra !== undefined;
    // Envoy has acknowledged the routes before its worker goes by them.
    await eventually(
      async () => {
        asked += 1;
        const answer = await targets[index]?.request("/extra", { timeoutMs: 10_000 });
        expect(answer?.status).toBe(200);
        return (answer?.servedBy === "extra") === wanted;
      },
      `${gateway.name} ${wanted ? "has" : "no longer has"} its extra route`,
    );
  }
  return asked;
}

/** Resolves when as many more requests have been answered. */
async function answered(load: Load, more: number): Promise<void> {
  const enough = load.total.counts().answered + more;
  await eventually(() => load.total.counts().answered >= enough, `${more} more answers`);
}

/** Sums of Envoy's counters by the last part of their names. */
async function sums(proxy: RunningEnvoy, filter: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [name, value] of await proxy.stats(filter)) {
    const last = name.split(".").at(-1) ?? "";
    if (typeof value === "bigint") found[last] = (found[last] ?? 0) + Number(value);
  }
  return found;
}

const TRANSPORTS: readonly [string, Transport][] = [
  ["ADS, state of the world", { ads: true, api: "GRPC" }],
  ["ADS, delta", { ads: true, api: "DELTA_GRPC" }],
  ["a service for each type, state of the world", { ads: false, api: "GRPC" }],
  ["a service for each type, delta", { ads: false, api: "DELTA_GRPC" }],
];

describe.each([
  ["1.40", await findEnvoy()],
  ["1.36", await findOldEnvoy()],
])("200 changes of clusters, routes, endpoints and listeners under load, Envoy %s", (_version, envoy) => {
  test.skipIf("missing" in envoy).each(TRANSPORTS)("P44 P45 not one request fails: %s", async (_name, transport) => {
    const world = await startWorld(envoy, transport);
    const { scene, cache, proxy, load, nacks } = world;
    let probes = 0;
    for (const [index, step] of stepsOf(SEED, CHANGES).entries()) {
      const known = new Set(scene.spares.keys());
      take(scene, step);
      await give(cache, resourcesOf(scene), `change ${index}, ${step.what}`);
      probes += await probe(world, known);
      await answered(load, BETWEEN);
      expect({ index, what: step.what, failure: load.total.counts().firstFailure }).toMatchObject({
        failure: undefined,
      });
    }
    // What was dropped last is taken away after its grace.
    const wanted = [...scene.clusters.keys()].sort();
    await eventually(
      async () =>
        Object.keys(await clustersOf(proxy))
          .sort()
          .join() === wanted.join(),
      "only what is left",
    );
    const counts = await load.stop();
    expect(counts.failed).toBe(0);
    expect(nacks).toEqual([]);
    const listeners = [...(await proxy.listeners()).keys()].sort();
    expect(listeners).toEqual([...scene.gateways.map(({ name }) => name), ...scene.spares.keys()].sort());

    // What the client asked again because of a GOAWAY had never come to Envoy: it has seen each request once.
    const seen = await sums(proxy, "^http\\.(by-rds|inline)\\.downstream_rq_(total|4xx|5xx)$");
    expect(seen).toEqual({ downstream_rq_total: counts.sent + probes, downstream_rq_4xx: 0, downstream_rq_5xx: 0 });
    // Nothing was refused, and nothing went on only because a time was over.
    const ended = await sums(proxy, "\\.(init_fetch_timeout|update_rejected)$");
    expect(ended).toEqual({ init_fetch_timeout: 0, update_rejected: 0 });
    for (const [what, count] of Object.entries(await sums(proxy, APPLIED)))
      expect({ what, often: count >= 10 }).toEqual({ what, often: true });
  });
});

/** Each kind of change is one that Envoy has counted. */
const APPLIED =
  "^(cluster_manager\\.cluster_(added|modified|removed)|listener_manager\\.listener_(added|modified|in_place_updated|removed))$";
