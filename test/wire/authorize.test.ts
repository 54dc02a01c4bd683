import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Access, Authorize } from "../../src/control/access.ts";
import { RPC_SHAPES } from "../../src/control/access.ts";
import { certificateNamesNode } from "../../src/control/certificate-names-node.ts";
import { Telemetry } from "../../src/control/telemetry.ts";
import { CLUSTER, ENDPOINTS, SECRET } from "../../src/core/resource/type-url.ts";
import { framed } from "../../src/grpc/framing.ts";
import { furtherRoutes } from "../../src/grpc/further-services.ts";
import { xdsRoutes } from "../../src/grpc/xds-server.ts";
import { DISCOVERY } from "../../src/http/route/discovery.ts";
import { serving } from "../http/serving.ts";
import type { AdsClient } from "./ads-client.ts";
import { nodeBytes } from "./ads-client.ts";
import { type Edge, nodeOf, resource, startEdge, viewOf } from "./edge.ts";
import { frame, RawClient, type RawEnd } from "./raw-call.ts";
import { GRPC_ROWS, REST_ROWS, type RpcRow } from "./rpc-rows.ts";

const NODE = { id: "n1", cluster: "edge" };
const WHY = "the reason, which is nobody's business";
const TYPES = [...new Set(GRPC_ROWS.map(({ typeUrl }) => typeUrl))].filter((typeUrl) => typeUrl !== "");

let edge: Edge;
let asked: Access[];
let warnings: string[];
let answer: Authorize;
let clients: RawClient[];

beforeEach(async () => {
  asked = [];
  warnings = [];
  clients = [];
  answer = () => true;
  const telemetry = new Telemetry();
  edge = await startEdge(undefined, (registry) => furtherRoutes({ registry, telemetry }), {
    authorize: (access) => {
      asked.push(access);
      return answer(access);
    },
    onWarning: (message) => warnings.push(message),
  });
  edge.registry.listen((event) => {
    if (event.kind === "connected")
      edge.registry.assign(event.node.id, viewOf(...TYPES.map((typeUrl) => resource(typeUrl, "a", "1"))));
  });
});
afterEach(async () => {
  for (const client of clients) client.close();
  await edge.close();
});

/** Calls the method as the node, waits for one answer or the end, and says how it ended. */
async function call({ path, request }: RpcRow, node: object = NODE): Promise<RawEnd> {
  const client = new RawClient(edge.port);
  clients.push(client);
  const made = client.call(path);
  made.write(frame(request(node) as Buffer));
  if (path.includes("Fetch") || path.includes("Metrics") || path.includes("AccessLogs")) made.stream.end();
  await Promise.race([made.received(1), made.ended]);
  made.stream.end();
  return made.ended;
}

test("P56 every method that is served has a row here, and every shape one that asks", () => {
  const telemetry = new Telemetry();
  const served = xdsRoutes({
    open: (dialect, sink, typeUrl) => edge.registry.open(dialect, sink, typeUrl),
    fetch: (request, node) => edge.registry.fetchOnce(request, node),
    identifier: () => "",
    onWarning: () => {},
    more: furtherRoutes({ registry: edge.registry, telemetry }),
  });
  expect(GRPC_ROWS.map(({ path }) => path).sort()).toEqual([...served.keys()].sort());
  expect(REST_ROWS.map(({ path }) => path)).toEqual([...DISCOVERY.keys()]);
  expect(new Set([...GRPC_ROWS, ...REST_ROWS].map(({ rpc }) => rpc))).toEqual(new Set(RPC_SHAPES));
});

describe.each(GRPC_ROWS.map((row) => [row.path, row] as const))("%s", (_path, row) => {
  test("P56 asks once before it answers, and says who, what and how", async () => {
    const ended = await call(row);
    expect(ended).toMatchObject({ status: "0", messages: [expect.any(Buffer)] });
    expect(asked).toEqual([
      {
        peer: { address: expect.stringMatching(/^127\.0\.0\.1:\d+$/), certificate: undefined },
        node: row.saysNode ? expect.objectContaining(NODE) : undefined,
        typeUrl: row.typeUrl,
        rpc: row.rpc,
      },
    ]);
    expect(warnings).toEqual([]);
  });

  test("P56 a refusal is PERMISSION_DENIED, without a word of the reason and without an answer", async () => {
    answer = () => WHY;
    const ended = await call(row);
    expect(ended).toMatchObject({ status: "7", messages: [] });
    expect(ended.message).toMatch(/^not authorized for /);
    expect(ended.message).not.toContain("reason");
    expect(warnings).toEqual([expect.stringContaining(WHY)]);
    expect(edge.events).toEqual([]);
  });

  test("P56 a hook that fails, or does not answer, refuses", async () => {
    answer = () => {
      throw new TypeError("a defect of the hook");
    };
    expect(await call(row)).toMatchObject({ status: "7", messages: [] });
    answer = (() => Promise.resolve(true)) as unknown as Authorize;
    expect(await call(row)).toMatchObject({ status: "7", messages: [] });
    expect(warnings).toEqual([
      expect.stringContaining("a defect of the hook"),
      expect.stringContaining("neither true nor a reason"),
    ]);
  });
});

describe.each(REST_ROWS.map((row) => [row.path, row] as const))("%s", (path, { request, typeUrl }) => {
  test("P56 asks the same hook, and a refusal is 403", async () => {
    const logged: string[] = [];
    const log = { info() {}, error() {}, warn: (_: object, text: string) => void logged.push(text) };
    const served = await serving("127.0.0.1:0", log, undefined, {
      fetch: (xdsRequest, node) => edge.registry.fetchOnce(xdsRequest, node),
      authorize: (access) => {
        asked.push(access);
        return asked.length === 1 ? true : WHY;
      },
    });
    expect((await served.ask("POST", path, request(NODE))).status).toBe(200);
    const refused = await served.ask("POST", path, request(NODE));
    expect(refused.status).toBe(403);
    expect(refused.text).not.toContain("reason");
    expect(logged).toEqual([expect.stringContaining(WHY)]);
    const expected = {
      peer: { address: expect.stringMatching(/^127\.0\.0\.1:\d+$/), certificate: undefined },
      node: expect.objectContaining(NODE),
      typeUrl,
      rpc: "rest",
    };
    expect(asked).toEqual([expected, expected]);
  });
});

test("P56 a method that forgets to ask can send nothing", async () => {
  const forgetful = await startEdge(
    undefined,
    () =>
      new Map([
        [
          "/t.New/Method",
          (made) => ({
            onMessage: () => made.send(framed(Buffer.from("a secret"))),
            onHalfClosed() {},
            onClosed() {},
          }),
        ],
      ]),
    { authorize: () => true, onWarning: (message) => warnings.push(message) },
  );
  const client = new RawClient(forgetful.port);
  clients.push(client);
  const ended = await client.call("/t.New/Method").write(frame("please")).ended;
  expect(ended).toMatchObject({ status: "13", messages: [] });
  expect(warnings).toEqual([expect.stringContaining("before anybody was asked")]);
  await forgetful.close();
});

describe.each(["sotw", "delta"] as const)("a stream, %s,", (dialect) => {
  let client: AdsClient;
  beforeEach(() => {
    client = edge.connect(dialect);
  });

  test("P55 is asked about for each new type, and not again for an ACK or more names", async () => {
    client.send({ typeUrl: CLUSTER, node: nodeOf("n1") });
    const { nonce, versionInfo } = await client.next();
    client.send({ typeUrl: CLUSTER, node: nodeOf("n1"), responseNonce: nonce, versionInfo });
    client.send({ typeUrl: ENDPOINTS, resourceNames: ["a"], resourceNamesSubscribe: ["a"] });
    await client.next();
    expect(asked.map(({ typeUrl, node }) => [typeUrl, node?.id])).toEqual([
      [CLUSTER, "n1"],
      [ENDPOINTS, "n1"],
    ]);
  });

  test("P55 that asks for a type it may not have ends, and another one does not notice", async () => {
    answer = ({ typeUrl, node }) => node?.id === "n2" || typeUrl !== SECRET || WHY;
    const other = edge.connect(dialect);
    for (const [one, id] of [
      [client, "n1"],
      [other, "n2"],
    ] as const) {
      one.send({ typeUrl: CLUSTER, node: nodeOf(id) });
      await one.next();
    }
    client.send({ typeUrl: SECRET, resourceNames: ["a"], resourceNamesSubscribe: ["a"] });
    expect(await client.ended).toMatchObject({ code: 7 });
    expect(client.unread).toEqual([]);
    other.send({ typeUrl: SECRET, resourceNames: ["a"], resourceNamesSubscribe: ["a"] });
    expect((await other.next()).typeUrl).toBe(SECRET);
  });

  test("P55 is asked about again, for all its types, when its node changes", async () => {
    answer = ({ node }) => node?.cluster !== "billing" || WHY;
    client.send({ typeUrl: CLUSTER, node: nodeOf("n1") });
    await client.next();
    client.send({ typeUrl: ENDPOINTS, resourceNames: ["a"], resourceNamesSubscribe: ["a"] });
    await client.next();
    const moved = nodeBytes({ id: "n1", cluster: "edge", locality: { zone: "z" } });
    client.send({ typeUrl: SECRET, resourceNames: ["a"], resourceNamesSubscribe: ["a"], node: moved });
    await client.next();
    expect(asked.slice(2).map(({ typeUrl }) => typeUrl)).toEqual([CLUSTER, ENDPOINTS, SECRET]);
    const events = edge.events.length;
    client.send({ typeUrl: SECRET, node: nodeBytes({ id: "n1", cluster: "billing" }) });
    expect(await client.ended).toMatchObject({ code: 7 });
    expect(edge.events.slice(events).map(({ kind }) => kind)).toEqual(["lost"]);
    expect(edge.registry.node("n1")?.identity.cluster).toBe("edge");
  });

  test("without a node has no answer, and nobody is asked", async () => {
    client.send({ typeUrl: CLUSTER });
    expect(await client.ended).toMatchObject({ code: 3 });
    expect(asked).toEqual([]);
  });
});

test("who is refused again and again does not fill the log", async () => {
  answer = () => WHY;
  const [row] = GRPC_ROWS as [RpcRow];
  const client = new RawClient(edge.port);
  clients.push(client);
  const ends = Array.from({ length: 100 }, async () => {
    const { status } = await client.call(row.path).write(frame(row.request(NODE) as Buffer)).ended;
    return status;
  });
  expect(new Set(await Promise.all(ends))).toEqual(new Set(["7"]));
  expect(warnings).toHaveLength(20);
});

describe("a certificate that names its node", () => {
  const certificate = {
    subject: "CN=n1",
    dnsNames: ["n1", "*.n3"],
    uris: ["spiffe://t/n2", "edge"],
    fingerprint: "00ff",
  };
  const access = (id: string, more: Partial<Access> = {}): Access => ({
    peer: { address: "a:1", certificate },
    node: { id, cluster: "edge", labels: {}, zone: "", envoyVersion: "" },
    typeUrl: CLUSTER,
    rpc: "sotw",
    ...more,
  });
  const byId = certificateNamesNode();

  test.each(["n1", "spiffe://t/n2", "*.n3"])("P55 may be %s", (id) => {
    expect(byId(access(id))).toBe(true);
  });

  test.each(["n2", "N1", "a.n3", "t/n2", "spiffe://t/", "", "n1\0", "CN=n1"])("P55 may not be %j", (id) => {
    expect(byId(access(id))).toMatch(/does not name its id/);
  });

  test("P55 without a certificate, or a node, is nobody", () => {
    expect(byId(access("n1", { peer: { address: "a:1", certificate: undefined } }))).toMatch(/no certificate/);
    expect(byId(access("n1", { node: undefined, rpc: "metrics" }))).toMatch(/does not name/);
  });

  test("P55 can be held to its cluster, or to both", () => {
    expect(certificateNamesNode({ fields: ["cluster"] })(access("anybody"))).toBe(true);
    expect(certificateNamesNode({ fields: ["id", "cluster"] })(access("n1"))).toBe(true);
    expect(certificateNamesNode({ fields: ["id", "cluster"] })(access("n9"))).toMatch(/id and cluster/);
    expect(() => certificateNamesNode({ fields: [] })).toThrow(/needs a field/);
  });

  test("the status of all clients is for observers alone", () => {
    const tool = access("n1", { node: undefined, rpc: "client-status", typeUrl: "" });
    expect(byId(tool)).toMatch(/none of the observers/);
    expect(certificateNamesNode({ observers: ["spiffe://t/n2"] })(tool)).toBe(true);
  });
});
