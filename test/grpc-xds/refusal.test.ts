import { expect } from "vitest";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { cluster, endpoints, listener, routes } from "./resources.ts";
import type { World } from "./world.ts";
import { GROUP, SOON, test } from "./world.ts";

const SHOP = "xds:///shop";
/** A policy of Envoy's that gRPC refuses. */
const MAGLEV = { lb_policy: "MAGLEV" };
const WORDS = "load_balancing_policy unset and unsupported lb_policy: MAGLEV";
const REFUSED = { acked: [], refused: ["client"], pending: [] };
const TAKEN = { acked: ["client"], refused: [], pending: [] };

/** A client answers each response at once, so this is how many it was sent. */
const clusterAnswers = ({ acks, nacks }: World): number =>
  [...acks, ...nacks].filter(({ typeUrl }) => typeUrl === CLUSTER).length;

test("P01 P02 a refused cluster: told once, though the client repeats its words with each request, answered no more, healed by the fix", async ({
  world,
}) => {
  const [blue, green] = await world.backends("blue", "green");
  const shop = (shares: Record<string, number>, more: object): void =>
    world.set(
      listener("shop"),
      routes("shop", shares),
      ...green.alone,
      endpoints("blue", { a: [blue.port] }),
      cluster("blue", { ...more }),
    );
  shop({ blue: 50, green: 50 }, {});
  const client = await world.client();
  await client.begin(SHOP);
  await world.settled();
  const answered = clusterAnswers(world);
  shop({ blue: 50, green: 50 }, MAGLEV);
  expect(await world.settled()).toEqual(REFUSED);
  const version = world.cache.get(GROUP)?.version(CLUSTER);
  expect(world.nacks).toMatchObject([
    { node: "client", typeUrl: CLUSTER, version, error: expect.stringContaining(WORDS) },
  ]);
  // The client gives up green: a request for clusters, with the old nonce and the old error.
  shop({ blue: 1 }, MAGLEV);
  await client.until(SHOP, "blue", 50);
  await expect.poll(async () => (await client.resources()).map(({ name }) => name), SOON).not.toContain("green");
  expect(world.nacks).toHaveLength(1);
  expect(clusterAnswers(world)).toBe(answered + 1);
  shop({ blue: 1 }, { circuit_breakers: { thresholds: [{ max_requests: 100 }] } });
  expect(await world.settled()).toEqual(TAKEN);
  expect(clusterAnswers(world)).toBe(answered + 2);
  expect(world.nacks).toHaveLength(1);
  expect((await client.stop()).failures).toEqual({});
});

test("P03 the very first cluster is refused: calls fail in the client's words until the fix is there", async ({
  world,
}) => {
  const [blue] = await world.backends("blue");
  const shop = [listener("shop"), routes("shop", { blue: 1 }), endpoints("blue", { a: [blue.port] })];
  world.set(...shop, cluster("blue", MAGLEV));
  const client = await world.client();
  const { answers, failures } = await client.calls(3, SHOP);
  expect(answers).toEqual({});
  expect(Object.keys(failures)).toEqual([expect.stringContaining(WORDS)]);
  expect(await world.settled()).toEqual(REFUSED);
  world.set(...shop, cluster("blue"));
  expect(await world.settled()).toEqual(TAKEN);
  expect(await client.calls(20, SHOP)).toEqual({ answers: { blue: 20 }, failures: {} });
  expect(clusterAnswers(world)).toBe(2);
});

test("P07 what was there before the refusal is there again: the client takes it, and is in sync", async ({ world }) => {
  const [blue] = await world.backends("blue");
  const shop = [listener("shop"), routes("shop", { blue: 1 }), endpoints("blue", { a: [blue.port] })];
  world.set(...shop, cluster("blue"));
  const client = await world.client();
  await client.begin(SHOP);
  await world.settled();
  world.set(...shop, cluster("blue", MAGLEV));
  expect(await world.settled()).toEqual(REFUSED);
  world.set(...shop, cluster("blue"));
  expect(await world.settled()).toEqual(TAKEN);
  expect(world.node().types[CLUSTER]).toEqual({ state: "SYNCED", version: world.cache.get(GROUP)?.version(CLUSTER) });
  expect((await client.stop()).failures).toEqual({});
});

/** One cluster is fine and one is not: gRPC uses the good one (gRFC A46) and says the new version with the error (N2). */
async function refusedInPart(world: World) {
  const [blue, green] = await world.backends("blue", "green");
  const shop = (good: string, other: string, more: object): void =>
    world.set(
      listener("shop"),
      routes("shop", { good: 50, other: 50 }),
      cluster("good", { eds_cluster_config: at(good) }),
      cluster("other", { eds_cluster_config: at(other), ...more }),
      endpoints("blue", { a: [blue.port] }),
      endpoints("green", { a: [green.port] }),
    );
  shop("blue", "blue", {});
  const client = await world.client();
  await client.begin(SHOP);
  await world.settled();
  shop("green", "green", MAGLEV);
  expect(await world.settled()).toEqual(REFUSED);
  await client.until(SHOP, "green");
  const { answers } = await client.calls(200, SHOP);
  expect(Object.keys(answers).sort()).toEqual(["blue", "green"]);
  return { client, goBack: () => shop("blue", "blue", {}) };
}

const at = (service: string): object => ({
  service_name: service,
  eds_config: { ads: {}, resource_api_version: "V3" },
});

test("P09 quarantined: the cluster that gRPC blames by its place keeps its last content, the other changes on", async ({
  world,
}) => {
  await world.restart({ onNack: "quarantine" });
  const [blue, green] = await world.backends("blue", "green");
  const shop = (good: string, more: object): void =>
    world.set(
      listener("shop"),
      routes("shop", { good: 50, other: 50 }),
      cluster("good", { eds_cluster_config: at(good) }),
      cluster("other", { eds_cluster_config: at("blue"), ...more }),
      endpoints("blue", { a: [blue.port] }),
      endpoints("green", { a: [green.port] }),
    );
  shop("blue", {});
  const client = await world.client();
  await client.begin(SHOP);
  await world.settled();
  const answered = clusterAnswers(world);
  shop("green", MAGLEV);
  await expect.poll(() => clusterAnswers(world), SOON).toBe(answered + 2);
  expect(world.nacks).toHaveLength(1);
  expect(world.node().types[CLUSTER]?.refused).toMatchObject([{ name: "other" }]);
  expect(Object.keys((await client.calls(200, SHOP)).answers).sort()).toEqual(["blue", "green"]);
  shop("blue", MAGLEV);
  await client.until(SHOP, "blue", 50);
  expect(world.nacks).toHaveLength(1);
  shop("blue", { circuit_breakers: { thresholds: [{ max_requests: 100 }] } });
  expect(await world.settled()).toEqual(TAKEN);
  expect((await client.stop()).failures).toEqual({});
});

test("P02 P04 refused in part: the new version with an error is a refusal, and going back takes back what was used of it", async ({
  world,
}) => {
  const { client, goBack } = await refusedInPart(world);
  expect(world.nacks).toHaveLength(1);
  expect(world.node().types[CLUSTER]).toMatchObject({ state: "ERROR", error: expect.stringContaining(WORDS) });
  goBack();
  expect(await world.settled()).toEqual(TAKEN);
  expect(await client.calls(50, SHOP)).toEqual({ answers: { blue: 50 }, failures: {} });
  expect((await client.stop()).failures).toEqual({});
});

test("P32 refused in part, then the connection breaks: what was used of it is taken back on the next one", async ({
  world,
}) => {
  const { client, goBack } = await refusedInPart(world);
  world.relay.cut();
  await expect.poll(() => world.connects.length, SOON).toBe(2);
  goBack();
  await client.until(SHOP, "blue", 50);
  expect(await world.settled()).toEqual(TAKEN);
  expect((await client.stop()).failures).toEqual({});
});
