import { expect } from "vitest";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import type { NodeView } from "../../src/index.ts";
import { ServiceClient } from "../wire/service-client.ts";
import type { GrpcClient } from "./grpc-client.ts";
import { cluster, endpoints, listener, routes } from "./resources.ts";
import { GROUP, SOON, test, type World } from "./world.ts";

// Both ends serve CSDS. What the client says that it has is the oracle for what the server says that it has.

const SHOP = "xds:///shop";

/** What the server says of its only client over CSDS, in the form of `cache.nodes()`. */
async function told(world: World): Promise<NodeView["types"]> {
  const service = "envoy.service.status.v3.ClientStatusDiscoveryService";
  const csds = new ServiceClient(world.relay.port, "envoy/service/status/v3/csds.proto", service);
  const { config } = await csds.call("FetchClientStatus", {});
  csds.close();
  const [{ genericXdsConfigs }] = config as [{ genericXdsConfigs: Record<string, unknown>[] }];
  const types = genericXdsConfigs.map(({ typeUrl, versionInfo, configStatus, errorState }) => {
    const error = errorState as { details: string } | null;
    return [typeUrl, { state: configStatus, version: versionInfo, ...(error && { error: error.details }) }];
  });
  return Object.fromEntries(types);
}

/** All that the client has, and all that the snapshot has: type, name, version of the type, bytes. */
async function held(client: GrpcClient): Promise<unknown[]> {
  const all = await client.resources();
  return all.map((one) => [
    one.typeUrl,
    one.name,
    one.clientStatus,
    one.versionInfo,
    one.xdsConfig?.value.toString("hex"),
  ]);
}
function wanted({ cache }: World): unknown[] {
  const types = [...(cache.get(GROUP)?.content.types.entries() ?? [])];
  return types.flatMap(([typeUrl, { version, resources }]) =>
    [...resources.values()].map(({ name, bytes }) => [
      // A gRPC client says types without what comes before their names.
      typeUrl.replace("type.googleapis.com/", ""),
      name,
      "ACKED",
      version,
      Buffer.from(bytes).toString("hex"),
    ]),
  );
}

const inSync = ({ cache }: World): object =>
  Object.fromEntries(
    [...(cache.get(GROUP)?.content.types ?? [])].map(([typeUrl, { version }]) => [
      typeUrl,
      { state: "SYNCED", version },
    ]),
  );

/** Everything changes from one of these to the next. */
async function shop(world: World) {
  const [blue, green] = await world.backends("blue", "green");
  return (seconds: number, more: object = {}): void =>
    world.set(
      listener("shop", { max_stream_duration: `${seconds}s` }),
      routes("shop", { blue: seconds, green: 100 - seconds }),
      cluster("blue", { connect_timeout: `${seconds}s`, ...more }),
      cluster("green", { connect_timeout: `${seconds}s`, circuit_breakers: requests(seconds) }),
      endpoints("blue", { [`zone-${seconds}`]: [blue.port] }),
      endpoints("green", { [`zone-${seconds}`]: [green.port] }),
    );
}

const requests = (max: number): object => ({ thresholds: [{ max_requests: 100 + max }] });

test("in sync both say the same: each type and its version, each resource and its bytes; also on a further connection", async ({
  world,
}) => {
  const set = await shop(world);
  const client = await world.client();
  for (const seconds of [10, 20, 30]) {
    set(seconds, { circuit_breakers: requests(seconds) });
    expect((await client.calls(8, SHOP)).failures).toEqual({});
    expect((await world.settled()).acked).toEqual(["client"]);
    expect(sorted(await held(client))).toEqual(sorted(wanted(world)));
    expect(await told(world)).toEqual(inSync(world));
    expect(world.node().types).toEqual(inSync(world));
  }
  world.relay.cut();
  await expect.poll(() => world.connects.length, SOON).toBe(2);
  expect((await world.settled()).acked).toEqual(["client"]);
  expect(await told(world)).toEqual(inSync(world));
  expect(sorted(await held(client))).toEqual(sorted(wanted(world)));
});

const sorted = (rows: unknown[]): string[] => rows.map((row) => JSON.stringify(row)).sort();

test("during a refusal both say the same: what was refused, in which words, and what is in force instead", async ({
  world,
}) => {
  const set = await shop(world);
  set(10, { circuit_breakers: requests(10) });
  const client = await world.client();
  expect((await client.calls(8, SHOP)).failures).toEqual({});
  await world.settled();
  const before = world.cache.get(GROUP)?.version(CLUSTER) ?? "";
  set(20, { lb_policy: "MAGLEV" });
  expect((await world.settled()).refused).toEqual(["client"]);
  const refused = world.cache.get(GROUP)?.version(CLUSTER) ?? "";
  const clusters = (await client.resources()).filter(({ typeUrl }) => CLUSTER.endsWith(typeUrl));
  const blue = clusters.find(({ name }) => name === "blue");
  const green = clusters.find(({ name }) => name === "green");
  expect(green).toMatchObject({ clientStatus: "ACKED", versionInfo: refused });
  expect(blue).toMatchObject({ clientStatus: "NACKED", versionInfo: before, errorState: { versionInfo: refused } });
  const said = (await told(world))[CLUSTER];
  const { refused: content, ...type } = world.node().types[CLUSTER] ?? {};
  expect(said).toEqual(type);
  expect(content).toContainEqual(expect.objectContaining({ name: "blue", is: "parked" }));
  expect(said).toMatchObject({ state: "ERROR", version: before });
  expect(said?.error).toContain(blue?.errorState?.details);
  expect(world.nacks).toMatchObject([{ version: refused, error: said?.error }]);
  set(30, { circuit_breakers: requests(30) });
  expect((await world.settled()).acked).toEqual(["client"]);
  expect(await told(world)).toEqual(inSync(world));
  expect(sorted(await held(client))).toEqual(sorted(wanted(world)));
});
