import { expect } from "vitest";
import { cluster, endpoints, listener, routes } from "./resources.ts";
import { SOON, test } from "./world.ts";

const SHOP = "xds:///shop";

test("what a client counts of each cluster arrives: successes, failures, and what is under way, over all zones", async ({
  world,
}) => {
  const [blue, green, red] = await world.backends("blue", "green", "red");
  world.set(
    listener("shop"),
    routes("shop", { shop: 1 }),
    listener("bank"),
    routes("bank", { bank: 1 }),
    cluster("shop"),
    endpoints("shop", { a: [blue.port], b: [green.port] }),
    cluster("bank"),
    endpoints("bank", { a: [red.port] }),
  );
  const client = await world.client();
  const loadOf = (name: string) => world.server.loads({ nodes: ["client"] }).get(name);
  const shop = await client.calls(400, SHOP);
  expect(Object.keys(shop.answers).sort()).toEqual(["blue", "green"]);
  await client.calls(30, SHOP, { method: "Fail" });
  await client.calls(7, "xds:///bank");
  await expect.poll(() => loadOf("shop"), SOON).toMatchObject({ success: 400, error: 30, dropped: 0, inProgress: 0 });
  await expect.poll(() => loadOf("bank"), SOON).toMatchObject({ success: 7, error: 0, inProgress: 0 });
  const held = client.calls(3, "xds:///bank", { method: "Hold" });
  await expect.poll(() => loadOf("bank"), SOON).toMatchObject({ success: 7, inProgress: 3 });
  red.release();
  expect((await held).answers).toEqual({ red: 3 });
  await expect.poll(() => loadOf("bank"), SOON).toMatchObject({ success: 10, inProgress: 0 });
});

test("calls that are dropped on purpose, and those over the cluster's limit, are counted as dropped", async ({
  world,
}) => {
  const [blue, green] = await world.backends("blue", "green");
  const all = { category: "all", drop_percentage: { numerator: 100, denominator: "HUNDRED" } };
  world.set(
    listener("shed"),
    routes("shed", { shed: 1 }),
    cluster("shed"),
    endpoints("shed", { a: [blue.port] }, { policy: { drop_overloads: [all] } }),
    listener("full"),
    routes("full", { full: 1 }),
    cluster("full", { circuit_breakers: { thresholds: [{ max_requests: 2 }] } }),
    endpoints("full", { a: [green.port] }),
  );
  const client = await world.client();
  const loadOf = (name: string) => world.server.loads().get(name);
  const { failures } = await client.calls(50, "xds:///shed");
  expect(failures).toEqual({ "14 Call dropped by load balancing policy. Category: all": 50 });
  await expect.poll(() => loadOf("shed"), SOON).toMatchObject({ success: 0, error: 0, dropped: 50 });
  const held = client.calls(2, "xds:///full", { method: "Hold" });
  await expect.poll(() => green.held(), SOON).toBe(2);
  expect((await client.calls(5, "xds:///full")).failures).toEqual({ "14 Call dropped by load balancing policy.": 5 });
  green.release();
  await held;
  await expect.poll(() => loadOf("full"), SOON).toMatchObject({ success: 2, error: 0, dropped: 5 });
});
