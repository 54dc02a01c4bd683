import { afterEach, beforeEach, expect, test } from "vitest";
import { CLUSTER, LISTENER, ROUTES } from "../../src/core/resource/type-url.ts";
import { clientStatusRoutes } from "../../src/grpc/client-status.ts";
import type { AdsClient } from "./ads-client.ts";
import { nodeBytes } from "./ads-client.ts";
import { type Edge, nodeOf, resource, startEdge, viewOf } from "./edge.ts";
import { frame, RawClient } from "./raw-call.ts";
import { ServiceClient } from "./service-client.ts";

const PATH = "/envoy.service.status.v3.ClientStatusDiscoveryService";

let edge: Edge;
let csds: ServiceClient;
beforeEach(async () => {
  edge = await startEdge(undefined, clientStatusRoutes);
  csds = new ServiceClient(
    edge.port,
    "envoy/service/status/v3/csds.proto",
    "envoy.service.status.v3.ClientStatusDiscoveryService",
  );
});
afterEach(async () => {
  csds.close();
  await edge.close();
});

/** A node that asks for clusters, and is there. */
async function join(id: string, node: Buffer = nodeOf(id)): Promise<AdsClient> {
  const here = new Promise<void>((resolve) => {
    const stop = edge.registry.listen((event) => {
      if (event.kind !== "connected" || event.node.id !== id) return;
      stop();
      resolve();
    });
  });
  const client = edge.connect("sotw");
  client.send({ typeUrl: CLUSTER, node });
  await here;
  return client;
}

interface Config {
  readonly node: { readonly id: string };
  readonly genericXdsConfigs: readonly Record<string, unknown>[];
}

async function ask(...nodeMatchers: object[]): Promise<readonly Config[]> {
  const { config } = await csds.call("FetchClientStatus", { nodeMatchers });
  return config as readonly Config[];
}

/** The next event of the kind that is told from now on. */
const told = (kind: string): Promise<void> =>
  new Promise((resolve) => {
    const stop = edge.registry.listen((event) => {
      if (event.kind !== kind) return;
      stop();
      resolve();
    });
  });

const idsIn = (configs: readonly Config[]): string[] => configs.map(({ node }) => node.id).sort();

test("a type goes from NOT_SENT over STALE to SYNCED, and its version is the one that was acknowledged", async () => {
  const client = await join("n1");
  const status = async () => (await ask())[0]?.genericXdsConfigs;
  expect(await status()).toMatchObject([{ typeUrl: CLUSTER, versionInfo: "", configStatus: "NOT_SENT" }]);
  edge.registry.assign("n1", viewOf(resource(CLUSTER, "a", "1")));
  const first = await client.next();
  expect(await status()).toMatchObject([{ typeUrl: CLUSTER, versionInfo: "", configStatus: "STALE" }]);
  const converged = told("converged");
  client.send({ typeUrl: CLUSTER, versionInfo: first.versionInfo, responseNonce: first.nonce });
  await converged;
  expect(await status()).toMatchObject([
    { typeUrl: CLUSTER, versionInfo: first.versionInfo, configStatus: "SYNCED", errorState: null },
  ]);
});

test("a refusal is ERROR with the client's words, and the version before it", async () => {
  const client = await join("n1");
  edge.registry.assign("n1", viewOf(resource(CLUSTER, "a", "1")));
  const first = await client.next();
  client.send({ typeUrl: CLUSTER, versionInfo: first.versionInfo, responseNonce: first.nonce });
  edge.registry.assign("n1", viewOf(resource(CLUSTER, "a", "2")));
  const second = await client.next();
  const refused = told("refused");
  const errorDetail = { code: 13, message: "no such thing" };
  client.send({ typeUrl: CLUSTER, versionInfo: first.versionInfo, responseNonce: second.nonce, errorDetail });
  await refused;
  const [config] = await ask({ nodeId: { exact: "n1" } });
  expect(config?.genericXdsConfigs).toMatchObject([
    { versionInfo: first.versionInfo, configStatus: "ERROR", errorState: { details: "no such thing" } },
  ]);
});

test("every type is told of, as the registry has it", async () => {
  const client = await join("n1");
  edge.registry.assign("n1", viewOf(resource(CLUSTER, "a", "1"), resource(LISTENER, "l", "2")));
  await client.next();
  client.send({ typeUrl: LISTENER });
  const listeners = await client.next();
  client.send({ typeUrl: ROUTES, resourceNames: ["missing"] });
  const acked = told("acked");
  client.send({ typeUrl: LISTENER, versionInfo: listeners.versionInfo, responseNonce: listeners.nonce });
  await acked;
  const [config] = await ask();
  const said = config?.genericXdsConfigs.map(({ typeUrl, versionInfo, configStatus }) => [
    typeUrl,
    { version: versionInfo, state: configStatus },
  ]);
  expect(said?.length).toBe(3);
  expect(new Map(said as [string, object][])).toEqual(edge.registry.node("n1")?.types);
});

test("a node is told with who it is", async () => {
  const metadata = { fields: { tier: { stringValue: "1" }, empty: { stringValue: "" } } };
  await join(
    "n1",
    nodeBytes({ id: "n1", cluster: "edge", metadata, locality: { zone: "z" }, userAgentVersion: "1.2" }),
  );
  const [config] = await ask();
  expect(config?.node).toMatchObject({
    id: "n1",
    cluster: "edge",
    metadata: { fields: { tier: { stringValue: "1" }, empty: { stringValue: "" } } },
    locality: { zone: "z" },
    userAgentVersion: "1.2",
  });
});

test("matchers choose nodes by id; any of them is enough, and none means all", async () => {
  for (const id of ["edge-1", "edge-2", "api-1"]) await join(id);
  expect(idsIn(await ask())).toEqual(["api-1", "edge-1", "edge-2"]);
  expect(idsIn(await ask({ nodeId: { exact: "edge-2" } }))).toEqual(["edge-2"]);
  expect(idsIn(await ask({ nodeId: { exact: "edge-2" } }, { nodeId: { exact: "edge-2" } }))).toEqual(["edge-2"]);
  expect(idsIn(await ask({ nodeId: { exact: "nobody" } }))).toEqual([]);
  expect(idsIn(await ask({ nodeId: { exact: "EDGE-2", ignoreCase: true } }))).toEqual(["edge-2"]);
  expect(idsIn(await ask({ nodeId: { prefix: "edge" } }))).toEqual(["edge-1", "edge-2"]);
  expect(idsIn(await ask({ nodeId: { suffix: "-1" } }))).toEqual(["api-1", "edge-1"]);
  expect(idsIn(await ask({ nodeId: { contains: "ge-" } }))).toEqual(["edge-1", "edge-2"]);
  expect(idsIn(await ask({ nodeId: { exact: "api-1" } }, { nodeId: { suffix: "2" } }))).toEqual(["api-1", "edge-2"]);
  expect(idsIn(await ask({}))).toEqual(["api-1", "edge-1", "edge-2"]);
});

test("a node that has gone is left out: what it has now is not known", async () => {
  const client = await join("n1");
  await join("n2");
  const lost = told("lost");
  client.close();
  await lost;
  expect(idsIn(await ask())).toEqual(["n2"]);
  expect(idsIn(await ask({ nodeId: { exact: "n1" } }))).toEqual([]);
});

test.each([
  ["safe_regex", { nodeId: { safeRegex: { regex: ".*" } } }],
  ["node_metadatas", { nodeMetadatas: [Buffer.alloc(0)] }],
])("a matcher that is not known (%s) is UNIMPLEMENTED, not an answer about other nodes", async (field, matcher) => {
  await expect(ask(matcher)).rejects.toMatchObject({ code: 12, details: expect.stringContaining(field) });
});

test("more matchers than anyone needs are INVALID_ARGUMENT", async () => {
  const many = Array.from({ length: 1_001 }, () => ({ nodeId: { exact: "a" } }));
  await expect(ask(...many)).rejects.toMatchObject({ code: 3 });
});

test("a stream answers each question with what is true then, and ends when the client has no more", async () => {
  const stream = csds.stream("StreamClientStatus");
  stream.send({});
  expect(await stream.next()).toEqual({ config: [] });
  await join("n1");
  stream.send({});
  stream.send({ nodeMatchers: [{ nodeId: { exact: "n2" } }] });
  stream.finish();
  expect(await stream.next()).toMatchObject({ config: [{ node: { id: "n1" } }] });
  expect(await stream.next()).toEqual({ config: [] });
  expect(await stream.ended).toMatchObject({ code: 0 });
});

test("who asks on and on without reading the answers is cut off, and others are answered", async () => {
  // As much as a node may say of itself, about.
  const metadata = { fields: { big: { stringValue: "x".repeat(110_000) } } };
  for (let n = 0; n < 10; n += 1) await join(`n${n}`, nodeBytes({ id: `n${n}`, metadata }));
  const raw = new RawClient(edge.port);
  const call = raw.call(`${PATH}/StreamClientStatus`);
  call.stream.pause();
  call.stream.removeAllListeners("data");
  call.stream.on("trailers", () => {});
  for (let index = 0; index < 40; index += 1) call.write(frame(""));
  const once = new RawClient(edge.port).call(`${PATH}/FetchClientStatus`);
  once.write(frame(""));
  once.stream.end();
  expect((await once.received(1))[0]?.length).toBeGreaterThan(1 << 20);
  call.stream.resume();
  expect((await call.ended).status).toBe("8");
  once.stream.session?.destroy();
  raw.close();
});

test("a call without a request, and one whose request is none, fail alone", async () => {
  const raw = new RawClient(edge.port);
  const silent = raw.call(`${PATH}/FetchClientStatus`);
  silent.stream.end();
  expect((await silent.ended).status).toBe("13");
  const broken = raw.call(`${PATH}/FetchClientStatus`).write(frame(Buffer.from([0x0a, 0x7f])));
  broken.stream.end();
  expect((await broken.ended).status).toBe("3");
  expect(await ask()).toEqual([]);
  raw.close();
});
