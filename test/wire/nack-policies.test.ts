import { afterEach, describe, expect, test } from "vitest";
import { CLUSTER, ENDPOINTS } from "../../src/core/resource/type-url.ts";
import type { NackEvent, XdsServerOptions } from "../../src/index.ts";
import { SnapshotCache, snapshot, XdsServer } from "../../src/index.ts";
import type { WireResponse } from "./ads-client.ts";
import { AdsClient, nodeBytes } from "./ads-client.ts";

const cluster = (name: string, seconds: number) => ({ "@type": CLUSTER, name, connect_timeout: `${seconds}s` });
const set = (...resources: ReturnType<typeof cluster>[]) => snapshot({ resources });
/** The version of one of them, as status shows it. */
const versionOf = (name: string, seconds: number): string =>
  set(cluster(name, seconds)).content.types.get(CLUSTER)?.resources.get(name)?.version ?? "";

describe.each(["sotw", "delta"] as const)("a server that is told what to do about refusals, %s", (dialect) => {
  const cache = (): SnapshotCache => new SnapshotCache({ group: (node) => node.cluster });
  let close: (() => Promise<void>) | undefined;
  afterEach(async () => close?.());

  async function start(onNack: NonNullable<XdsServerOptions["onNack"]>) {
    const served = cache();
    const server = new XdsServer({ cache: served, onNack });
    const nacks: NackEvent[] = [];
    const warnings: string[] = [];
    server.on("nack", (event) => nacks.push(event)).on("warning", (message) => warnings.push(message));
    const { port } = await server.listen("127.0.0.1:0");
    const client = new AdsClient(`127.0.0.1:${port}`, dialect);
    close = async () => {
      client.close();
      await server.close({ graceMs: 100 });
    };
    served.set("edge", set(cluster("a", 1), cluster("b", 1)));
    client.send({ node: nodeBytes({ id: "n1", cluster: "edge" }), typeUrl: CLUSTER });
    ack(client, await client.next());
    await served.converged("edge");
    return { served, client, nacks, warnings };
  }

  const ack = (client: AdsClient, { nonce, versionInfo }: WireResponse): void =>
    client.send({ typeUrl: CLUSTER, versionInfo, responseNonce: nonce });
  const refuse = (client: AdsClient, { nonce }: WireResponse, message: string): void =>
    client.send({ typeUrl: CLUSTER, responseNonce: nonce, errorDetail: { code: 13, message } });
  /** How many resources, and what is removed. */
  const shape = ({ resources, removedResources }: WireResponse) =>
    dialect === "sotw" ? [resources.length] : [resources.length, ...removedResources];

  test("P09 quarantine: the bad one keeps its last content, a new bad one is left out, the good ones are taken, and all of it is told", async () => {
    const { served, client, nacks } = await start("quarantine");
    served.set("edge", set(cluster("a", 2), cluster("b", 2), cluster("c", 2), cluster("d", 2)));
    refuse(client, await client.next(), "Error adding/updating cluster(s) a: no, d: no");
    const answer = await client.next();
    expect(shape(answer)).toEqual(dialect === "delta" ? [3, "d"] : [3]);
    ack(client, answer);
    expect(await served.converged("edge")).toEqual({ acked: [], refused: ["n1"], pending: [] });
    expect(served.nodes("edge")[0]?.types[CLUSTER]).toMatchObject({
      state: "ERROR",
      error: "Error adding/updating cluster(s) a: no, d: no",
      refused: [
        { name: "a", version: versionOf("a", 2), is: "quarantined", instead: versionOf("a", 1) },
        { name: "d", version: versionOf("d", 2), is: "quarantined", instead: "" },
      ],
    });
    expect(nacks.map(({ names }) => names)).toEqual([["a", "b", "c", "d"]]);
    served.set("edge", set(cluster("a", 3), cluster("b", 2), cluster("c", 2)));
    ack(client, await client.next());
    expect(await served.converged("edge")).toEqual({ acked: ["n1"], refused: [], pending: [] });
    expect(served.nodes("edge")[0]?.types[CLUSTER]).not.toHaveProperty("refused");
  });

  test("N15 rollback: what was there before is sent at once, and what the response added is taken away", async () => {
    const { served, client } = await start("rollback");
    served.set("edge", set(cluster("a", 2), cluster("b", 1), cluster("c", 2)));
    refuse(client, await client.next(), "Error adding/updating cluster(s) c: no");
    const answer = await client.next();
    expect(shape(answer)).toEqual(dialect === "delta" ? [1, "c"] : [2]);
    ack(client, answer);
    expect(await served.converged("edge")).toEqual({ acked: [], refused: ["n1"], pending: [] });
    expect(served.nodes("edge")[0]?.types[CLUSTER]?.refused?.map(({ name, is }) => [name, is])).toEqual([
      ["a", "rolledBack"],
      ["c", "rolledBack"],
    ]);
  });

  test("retry: the same is sent again, so many times and no more", async () => {
    const { served, client, nacks } = await start({ retry: { afterMs: 1, attempts: 2 } });
    served.set("edge", set(cluster("a", 2), cluster("b", 1)));
    for (let time = 0; time < 3; time += 1) refuse(client, await client.next(), "no");
    served.set("edge", set(cluster("a", 3), cluster("b", 1)));
    ack(client, await client.next());
    expect(await served.converged("edge")).toEqual({ acked: ["n1"], refused: [], pending: [] });
    expect(nacks).toHaveLength(3);
  });

  test("park, here for one type of many: nothing is said until there is other content, and status says what waits", async () => {
    const { served, client } = await start((typeUrl) => (typeUrl === CLUSTER ? "park" : "rollback"));
    served.set("edge", set(cluster("a", 2), cluster("b", 1)));
    refuse(client, await client.next(), "Error adding/updating cluster(s) a: no");
    expect(await served.converged("edge")).toEqual({ acked: [], refused: ["n1"], pending: [] });
    const refused = served.nodes("edge")[0]?.types[CLUSTER]?.refused;
    expect(refused).toEqual([{ name: "a", version: versionOf("a", 2), is: "parked" }]);
    expect(client.unread).toEqual([]);
  });

  test("a function that fails is told of once, and what it was asked about is parked", async () => {
    const { served, client, warnings } = await start(() => {
      throw new Error("not decided");
    });
    for (const seconds of [2, 3]) {
      served.set("edge", set(cluster("a", seconds), cluster("b", 1)));
      refuse(client, await client.next(), "no");
      expect((await served.converged("edge")).refused).toEqual(["n1"]);
    }
    served.set("edge", set(cluster("a", 4), cluster("b", 1)));
    ack(client, await client.next());
    await served.converged("edge");
    expect(warnings).toEqual([`onNack does not say what to do about ${CLUSTER}, which is parked: Error: not decided`]);
  });
});

test.each(["quarantaine", null, { retry: { afterMs: -1 } }, { retry: { attempts: Number.NaN } }, { retry: null }])(
  "what is no policy is refused when the server is made: %j",
  (onNack) => {
    const options = { cache: new SnapshotCache(), onNack } as unknown as XdsServerOptions;
    expect(() => new XdsServer(options)).toThrow(RangeError);
  },
);

test("endpoints of separate streams follow the policy of their type as well", async () => {
  const cache = new SnapshotCache();
  const server = new XdsServer({ cache, onNack: "rollback" });
  const { port } = await server.listen("127.0.0.1:0");
  const client = new AdsClient(
    `127.0.0.1:${port}`,
    "delta",
    "/envoy.service.endpoint.v3.EndpointDiscoveryService/DeltaEndpoints",
  );
  const assignment = (clusterName: string) => ({ "@type": ENDPOINTS, cluster_name: clusterName });
  cache.set("default", snapshot({ resources: [assignment("x")] }));
  const subscribe = { typeUrl: ENDPOINTS, resourceNamesSubscribe: ["x"] };
  client.send({ node: nodeBytes({ id: "n1", cluster: "edge" }), ...subscribe });
  const { nonce } = await client.next();
  client.send({ typeUrl: ENDPOINTS, responseNonce: nonce, errorDetail: { code: 13, message: "no" } });
  expect((await client.next()).removedResources).toEqual(["x"]);
  client.close();
  await server.close({ graceMs: 100 });
});
