import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { snapshotOf } from "../../src/core/snapshot/snapshot.ts";
import * as contract from "../../src/http/contract.ts";
import { FreezePage } from "../../src/http/route/freeze.ts";
import { EventPage } from "../../src/http/route/journal.ts";
import { NodePage } from "../../src/http/route/node.ts";
import { RevisionPage } from "../../src/http/route/revision.ts";
import { RolloutPage } from "../../src/http/route/rollout.ts";
import { meshOf, nodeOf } from "./fake-control-plane.ts";
import { at, type Json, type Serving, serving } from "./serving.ts";

const CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

async function busyServer(): Promise<Serving> {
  const server = await serving();
  server.controlPlane.seed(meshOf(), "services: []");
  server.controlPlane.fleet.push(nodeOf("edge-1"), nodeOf("edge-2", { connected: false, state: "LOST" }));
  await server.ask("POST", "/v1/rollouts", {
    kind: "shift",
    service: "reviews",
    weights: { v2: 500 },
    reason: "CHG-1",
  });
  return server;
}

describe("every object is what the OpenAPI document says of it", () => {
  const cases: readonly [path: string, schema: z.ZodType][] = [
    ["/v1/status", contract.Status],
    ["/v1/nodes", NodePage],
    ["/v1/nodes/edge-1", contract.Node],
    ["/v1/nodes/edge-1/config", contract.NodeConfig],
    ["/v1/revisions", RevisionPage],
    ["/v1/revisions/1", contract.RevisionDetail],
    ["/v1/revisions/1/diff/1", contract.Diff],
    ["/v1/rollouts", RolloutPage],
    ["/v1/rollouts/ro-1", contract.Rollout],
    ["/v1/freezes", FreezePage],
    ["/v1/journal", EventPage],
  ];
  test.each(cases)("%s", async (path, schema) => {
    const server = await busyServer();
    const { status, json } = await server.ask("GET", path);
    expect(status).toBe(200);
    expect(schema.safeParse(json).error).toBeUndefined();
  });
});

test("the status counts Envoys while they are connected and shows each split as wanted and acknowledged", async () => {
  const server = await busyServer();
  const { json } = await server.ask("GET", "/v1/status");
  expect(json).toMatchObject({
    ready: true,
    leader: true,
    xds: "127.0.0.1:18000",
    revision: { live: 1, knownGood: null, rolling: null },
    rollouts: [],
    nodes: { connected: 1, inSync: 1, stale: 0, refused: 0, lost: 1 },
    services: [{ name: "reviews", weights: { wanted: { v1: 9_500, v2: 500 }, acked: { v1: 9_500, v2: 500 } } }],
  });
});

test("while a shift is on its first host, all have still the split from before", async () => {
  const server = await serving();
  server.controlPlane.seed();
  server.controlPlane.ends = undefined;
  const { json } = await server.ask("POST", "/v1/rollouts", {
    kind: "shift",
    service: "reviews",
    weights: { v2: 500 },
    reason: "r",
  });
  expect(json).toMatchObject({
    state: "applying",
    stage: { index: 0, count: 2, hosts: 1, weight: 500 },
    weights: { wanted: { v1: 9_500, v2: 500 }, acked: { v1: 10_000, v2: 0 }, seen: {} },
    next: { action: "advance" },
    allowedActions: ["abort"],
  });
  const status = await server.ask("GET", "/v1/status");
  expect(status.json).toMatchObject({ rollouts: ["ro-1"], services: [{ weights: { acked: { v2: 0 } } }] });
});

test("the dial of a shift is the version that moves, up or down", async () => {
  const server = await serving();
  server.controlPlane.seed();
  const dial = async (v2: number): Promise<unknown> => {
    const body = { kind: "shift", service: "reviews", weights: { v2 }, reason: "r" };
    return at((await server.ask("POST", "/v1/rollouts", body)).json, "stage", "weight");
  };
  expect([await dial(5_000), await dial(100), await dial(0), await dial(10_000)]).toEqual([5_000, 100, 0, 10_000]);
});

test("a rollout that Envoy refused says who, what and in which words, and wants the split from before", async () => {
  const server = await serving();
  server.controlPlane.seed();
  server.controlPlane.ends = "rolledBack";
  const { json } = await server.ask("POST", "/v1/rollouts", {
    kind: "shift",
    service: "reviews",
    weights: { v2: 500 },
    reason: "r",
  });
  expect(json).toMatchObject({
    state: "rolledBack",
    hosts: { refused: [{ node: "edge-1", error: "Envoy says no" }] },
    weights: { wanted: { v1: 10_000 }, acked: { v1: 10_000 } },
    next: { action: "none", at: null },
    allowedActions: [],
  });
});

test("a node shows its revision wanted and acked, and why it gets nothing", async () => {
  const server = await serving();
  const snapshot = snapshotOf([], () => "0".repeat(64));
  const view = { snapshot, revision: 4, group: "edge" };
  server.controlPlane.fleet.push(
    nodeOf("stale", { state: "STALE", wanted: view, acked: { ...view, revision: 3 } }),
    nodeOf("lonely", { state: "UNMATCHED", unmatched: "nothing selects it" }),
    nodeOf("sulky", { state: "REFUSED", types: new Map([[CLUSTER, { state: "ERROR", version: "a", error: "no" }]]) }),
  );
  const get = async (id: string): Promise<Json> => (await server.ask("GET", `/v1/nodes/${id}`)).json;
  expect(await get("stale")).toMatchObject({ group: "edge", revision: { wanted: 4, acked: 3 } });
  expect(await get("lonely")).toMatchObject({ state: "UNMATCHED", reason: "nothing selects it" });
  expect(await get("sulky")).toMatchObject({ types: { [CLUSTER]: { state: "ERROR", error: "no" } } });
});

test("a node's configuration stands beside what it acknowledged, without secrets", async () => {
  const server = await serving();
  const resource = (name: string, version: string) => ({
    typeUrl: CLUSTER,
    name,
    version,
    bytes: new TextEncoder().encode(JSON.stringify({ name, inline_string: "PRIVATE KEY" })),
    refs: [],
  });
  const digest = (content: Uint8Array | string): string => String(content.length).padEnd(64, "0");
  const wanted = snapshotOf([resource("a", "2"), resource("new", "1")], digest);
  const acked = snapshotOf([resource("a", "1"), resource("old", "1")], digest);
  server.controlPlane.fleet.push(
    nodeOf("edge-1", {
      wanted: { snapshot: wanted, revision: 2, group: "edge" },
      acked: { snapshot: acked, revision: 1, group: "edge" },
    }),
  );
  const { json, text } = await server.ask("GET", "/v1/nodes/edge-1/config");
  expect(json).toMatchObject({
    resources: [
      { name: "a", wanted: "2", acked: "1", config: { inline_string: "[redacted]" } },
      { name: "new", wanted: "1", acked: null },
      { name: "old", wanted: null, acked: "1", config: null },
    ],
  });
  expect(text).not.toContain("PRIVATE");
});

test("raw resources of a revision are shown without their secrets", async () => {
  const server = await serving();
  server.controlPlane.seed(
    meshOf({ resources: [{ nodes: "all", resource: { "@type": "t", inline_string: "PRIVATE KEY" } }] }),
  );
  for (const path of ["/v1/revisions/1", "/v1/revisions/1/diff/1"]) {
    expect((await server.ask("GET", path)).text).not.toContain("PRIVATE");
  }
});

test("the journal has the reason of each accepted mutation word for word, with who and what", async () => {
  const server = await serving();
  server.controlPlane.seed();
  const reason = "  Ünïcode — “quotes”,\nand a second line\t";
  await server.ask("POST", "/v1/rollouts", {
    kind: "shift",
    service: "reviews",
    weights: { v2: 1 },
    reason,
    by: "ana",
  });
  const { json } = await server.ask("GET", "/v1/journal");
  expect(json["items"]).toContainEqual(
    expect.objectContaining({ type: "rollout.started", by: "ana", reason, rollout: "ro-1" }),
  );
  expect(json["items"]).toContainEqual(
    expect.objectContaining({ type: "rollout.ended", by: "belay", reason: "all acked" }),
  );
});

test("lists are newest first and continue from next; the journal is oldest first", async () => {
  const server = await serving();
  server.controlPlane.seed();
  for (let count = 1; count < 5; count++) {
    await server.ask("POST", "/v1/revisions", { mesh: meshOf(), reason: `r${count}` });
    server.controlPlane.fleet.push(nodeOf(`edge-${count}`));
  }
  const walk = async (path: string, key: string): Promise<unknown[]> => {
    const seen: unknown[] = [];
    let next = "";
    for (let pages = 0; pages < 10; pages++) {
      const { json } = await server.ask("GET", `${path}?limit=2${next}`);
      const items = json["items"] as unknown as Json[];
      expect(items.length).toBeLessThanOrEqual(2);
      seen.push(...items.map((item) => item[key]));
      if (json["next"] === undefined) return seen;
      next = `&after=${json["next"] as string}`;
    }
    throw new Error("the list has no end");
  };
  expect(await walk("/v1/revisions", "n")).toEqual([5, 4, 3, 2, 1]);
  expect(await walk("/v1/rollouts", "id")).toEqual(["ro-4", "ro-3", "ro-2", "ro-1"]);
  expect(await walk("/v1/nodes", "id")).toEqual(["edge-4", "edge-3", "edge-2", "edge-1"]);
  expect(await walk("/v1/journal", "seq")).toEqual(Array.from({ length: 13 }, (_, index) => index + 1));
});

test("nodes can be asked for by state, connection and revision", async () => {
  const server = await serving();
  server.controlPlane.fleet.push(
    nodeOf("a"),
    nodeOf("b", { state: "REFUSED" }),
    nodeOf("c", { connected: false, state: "LOST" }),
  );
  const ids = async (query: string): Promise<unknown> => {
    const { json } = await server.ask("GET", `/v1/nodes?${query}`);
    return (json["items"] as unknown as Json[]).map(({ id }) => id);
  };
  expect(await ids("state=REFUSED")).toEqual(["b"]);
  expect(await ids("connected=false")).toEqual(["c"]);
  expect(await ids("revision=7")).toEqual([]);
  expect((await server.ask("GET", "/v1/nodes?state=odd")).status).toBe(422);
  const first = await server.ask("GET", "/v1/nodes?connected=true&limit=1");
  expect(first.json).toMatchObject({ items: [{ id: "b" }], next: "b" });
  const last = await server.ask("GET", "/v1/nodes?connected=true&limit=1&after=b");
  expect([last.json["items"], last.json["next"]]).toMatchObject([[{ id: "a" }], undefined]);
});
