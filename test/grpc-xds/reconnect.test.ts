import { expect } from "vitest";
import { ROUTES } from "../../src/core/resource/type-url.ts";
import type { GrpcClient } from "./grpc-client.ts";
import { listener, routes } from "./resources.ts";
import type { World } from "./world.ts";
import { SOON, test } from "./world.ts";

const SHOP = "xds:///shop";
const TAKEN = { acked: ["client"], refused: [], pending: [] };

/** A client that calls, and has all of a split between two clusters. */
async function calling(world: World) {
  const [blue, green] = await world.backends("blue", "green");
  const share = (percent: number): void =>
    world.set(listener("shop"), routes("shop", { blue: percent, green: 100 - percent }), ...blue.alone, ...green.alone);
  share(90);
  const client = await world.client();
  await client.begin(SHOP);
  expect(await world.settled()).toEqual(TAKEN);
  return { client, share };
}

/** When it applied each of what it has. */
const applied = async (client: GrpcClient): Promise<unknown[]> =>
  (await client.resources()).map(({ typeUrl, name, versionInfo, lastUpdated }) => [
    typeUrl,
    name,
    versionInfo,
    lastUpdated,
  ]);

const typesAnswered = (world: World, from: number): string[] => world.acks.slice(from).map(({ typeUrl }) => typeUrl);

test("P42 another server with the same content: it answers all that is named, nothing is applied again, no call fails", async ({
  world,
}) => {
  const { client, share } = await calling(world);
  const before = await applied(client);
  const answered = world.acks.length;
  await world.restart();
  await expect.poll(() => world.connects.length, SOON).toBe(2);
  expect(await world.settled()).toEqual(TAKEN);
  expect(new Set(typesAnswered(world, answered)).size).toBe(4);
  expect(await applied(client)).toEqual(before);
  share(50);
  expect(await world.settled()).toEqual(TAKEN);
  expect(await applied(client)).not.toEqual(before);
  expect((await client.stop()).failures).toEqual({});
});

test("a connection that breaks: the server knows what the client has, sends it nothing but the next change", async ({
  world,
}) => {
  const { client, share } = await calling(world);
  const answered = world.acks.length;
  world.relay.cut();
  await expect.poll(() => world.connects.length, SOON).toBe(2);
  expect(await world.settled()).toEqual(TAKEN);
  expect(typesAnswered(world, answered)).toEqual([]);
  share(50);
  expect(await world.settled()).toEqual(TAKEN);
  expect(typesAnswered(world, answered)).toEqual([ROUTES]);
  expect((await client.stop()).failures).toEqual({});
});

test("the server is away: calls go on as before, and what changed meanwhile is there when it is back", async ({
  world,
}) => {
  const { client, share } = await calling(world);
  await world.server.close({ graceMs: 0 });
  share(0);
  expect((await client.calls(200, SHOP)).failures).toEqual({});
  await world.restart();
  await client.until(SHOP, "green", 50);
  expect((await client.stop()).failures).toEqual({});
});

test("streams that the server ends for their age: the client opens another each time, is sent nothing, and no call fails", async ({
  world,
}) => {
  await world.restart({ streamAgeMs: 500 });
  const { client, share } = await calling(world);
  const answered = world.acks.length;
  await expect.poll(() => world.connects.length, SOON).toBeGreaterThan(3);
  expect(typesAnswered(world, answered)).toEqual([]);
  share(50);
  await expect.poll(() => typesAnswered(world, answered), SOON).toEqual([ROUTES]);
  expect((await client.stop()).failures).toEqual({});
});
