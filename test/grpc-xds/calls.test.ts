import { expect } from "vitest";
import { cluster, endpoints, listener, routes } from "./resources.ts";
import { test } from "./world.ts";

const SHOP = "xds:///shop";
const CALLS = 2_000;

/** Five standard deviations of a count out of `CALLS`: an honest split fails once in two million runs. */
const tolerance = (share: number): number => 5 * Math.sqrt(CALLS * share * (1 - share));

test("a call through xds:///shop ends up on the backend that the snapshot names", async ({ world }) => {
  const [blue, green] = await world.backends("blue", "green");
  world.set(listener("shop"), routes("shop", { green: 1 }), ...blue.alone, ...green.alone);
  const client = await world.client();
  expect(await client.calls(20, SHOP)).toEqual({ answers: { green: 20 }, failures: {} });
  expect(await world.settled()).toEqual({ acked: ["client"], refused: [], pending: [] });
});

test("weights split calls, and change without a failed call", async ({ world }) => {
  const [blue, green] = await world.backends("blue", "green");
  const share = (percent: number): void =>
    world.set(listener("shop"), routes("shop", { blue: percent, green: 100 - percent }), ...blue.alone, ...green.alone);
  share(90);
  const client = await world.client();
  const before = await client.calls(CALLS, SHOP);
  await client.begin(SHOP);
  for (const percent of [75, 50, 25]) {
    share(percent);
    await world.settled();
  }
  const meanwhile = await client.stop();
  const after = await client.calls(CALLS, SHOP);
  expect([before.failures, meanwhile.failures, after.failures]).toEqual([{}, {}, {}]);
  expect(Math.abs((before.answers["green"] ?? 0) - CALLS * 0.1)).toBeLessThan(tolerance(0.1));
  expect(Math.abs((after.answers["green"] ?? 0) - CALLS * 0.75)).toBeLessThan(tolerance(0.75));
});

test("P17 a route that names a further cluster, of a set that is unchanged: the cluster is answered", async ({
  world,
}) => {
  const [blue, green] = await world.backends("blue", "green");
  const to = (shares: Record<string, number>): void =>
    world.set(listener("shop"), routes("shop", shares), ...blue.alone, ...green.alone);
  to({ blue: 1 });
  const client = await world.client();
  await client.begin(SHOP);
  to({ blue: 50, green: 50 });
  await world.settled();
  expect(Object.keys((await client.calls(100, SHOP)).answers).sort()).toEqual(["blue", "green"]);
  expect((await client.stop()).failures).toEqual({});
});

test("P44 P45 a cluster takes the place of another, back and forth, and no call fails", async ({ world }) => {
  const all = await world.backends("blue", "green");
  const [blue] = all;
  const only = (one: (typeof all)[number]): void =>
    world.set(listener("shop"), routes("shop", { [one.name]: 1 }), ...one.alone);
  only(blue);
  const client = await world.client();
  expect((await client.calls(4, SHOP)).failures).toEqual({});
  await client.begin(SHOP);
  for (let turn = 0; turn < 5; turn += 1) {
    for (const one of [...all].reverse()) {
      only(one);
      expect((await world.settled()).pending).toEqual([]);
      expect(await client.calls(8, SHOP)).toEqual({ answers: { [one.name]: 8 }, failures: {} });
    }
  }
  const { answers, failures } = await client.stop();
  expect(failures).toEqual({});
  expect(Object.keys(answers).sort()).toEqual(["blue", "green"]);
});

test("endpoints move to another backend, and no call fails", async ({ world }) => {
  const all = await world.backends("blue", "green");
  const at = (port: number): void =>
    world.set(listener("shop"), routes("shop", { shop: 1 }), cluster("shop"), endpoints("shop", { a: [port] }));
  at(all[0].port);
  const client = await world.client();
  expect((await client.calls(4, SHOP)).failures).toEqual({});
  await client.begin(SHOP);
  for (let turn = 0; turn < 5; turn += 1) {
    for (const one of [...all].reverse()) {
      at(one.port);
      await client.until(SHOP, one.name);
    }
  }
  expect((await client.stop()).failures).toEqual({});
});

test("P39 a cluster changes, and its endpoints do not: it goes on", async ({ world }) => {
  const [blue] = await world.backends("blue");
  const withRequests = (max: number): void =>
    world.set(
      listener("shop"),
      routes("shop", { shop: 1 }),
      cluster("shop", { circuit_breakers: { thresholds: [{ max_requests: max }] } }),
      endpoints("shop", { a: [blue.port] }),
    );
  withRequests(100);
  const client = await world.client();
  await client.begin(SHOP);
  for (const max of [200, 300]) {
    withRequests(max);
    expect((await world.settled()).acked).toEqual(["client"]);
    expect(await client.calls(8, SHOP)).toEqual({ answers: { blue: 8 }, failures: {} });
  }
  expect((await client.stop()).failures).toEqual({});
});
