import { expect } from "vitest";
import { LISTENER } from "../../src/core/resource/type-url.ts";
import type { GrpcClient } from "./grpc-client.ts";
import { cluster, listener, routes } from "./resources.ts";
import { GROUP, SOON, test } from "./world.ts";

// In this dialect nothing says that a name does not exist (R6): the client waits 15 s, here 500 ms, and then takes it for
// missing. Until it has connected to a backend once, it then also fails calls.

const SHOP = "xds:///shop";
const MISSING = { missingAfterMs: 500 };

/** Resolves when the client takes the name for missing. */
const isMissing = (client: GrpcClient, name: string): Promise<void> =>
  expect
    .poll(async () => (await client.resources()).filter((one) => one.name === name).at(-1), SOON)
    .toMatchObject({ clientStatus: "DOES_NOT_EXIST" });

test("P18 a listener that does not exist: the client is answered nothing until it is there, and its calls arrive then", async ({
  world,
}) => {
  const [blue] = await world.backends("blue");
  const rest = [routes("shop", { blue: 1 }), ...blue.alone];
  world.set(listener("other"), ...rest);
  const client = await world.client(MISSING);
  const early = client.calls(1, SHOP);
  await isMissing(client, "shop");
  expect(world.acks).toEqual([]);
  world.set(listener("shop"), ...rest);
  await early;
  await client.until(SHOP, "blue", 20);
});

test("P36 a route names a cluster that exists and one that does not: the one is there at once, and its calls go on", async ({
  world,
}) => {
  const [blue] = await world.backends("blue");
  world.set(listener("shop"), routes("shop", { blue: 1 }), ...blue.alone);
  const client = await world.client(MISSING);
  expect((await client.calls(1, SHOP)).failures).toEqual({});
  world.set(listener("shop"), routes("shop", { blue: 50, nowhere: 50 }), ...blue.alone);
  await isMissing(client, "nowhere");
  const { answers, failures } = await client.calls(200, SHOP);
  expect(Object.keys(answers)).toEqual(["blue"]);
  expect(Object.keys(failures)).toEqual([expect.stringMatching(/^14 .*nowhere does not exist/)]);
});

test("a cluster whose endpoints are not known yet: calls go on as soon as they are there", async ({ world }) => {
  const [blue] = await world.backends("blue");
  world.set(listener("shop"), routes("shop", { blue: 1 }), cluster("blue"));
  const client = await world.client(MISSING);
  const calls = client.calls(20, SHOP);
  await expect.poll(async () => (await client.resources()).length, SOON).toBe(4);
  world.set(listener("shop"), routes("shop", { blue: 1 }), ...blue.alone);
  expect(await calls).toEqual({ answers: { blue: 20 }, failures: {} });
});

test("P35 a listener is removed, and nothing else changes: the client is told", async ({ world }) => {
  const [blue] = await world.backends("blue");
  const all = [routes("shop", { blue: 1 }), ...blue.alone];
  world.set(listener("shop"), ...all);
  const client = await world.client();
  expect((await client.calls(1, SHOP)).failures).toEqual({});
  await world.settled();
  world.cache.update(GROUP, { remove: [{ typeUrl: LISTENER, name: "shop" }] });
  await isMissing(client, "shop");
  await expect.poll(async () => (await client.calls(1, SHOP)).answers, SOON).toEqual({});
});
