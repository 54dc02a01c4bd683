import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CLUSTER, ENDPOINTS, LISTENER, ROUTES } from "../../src/core/resource/type-url.ts";
import type { RunningServer } from "../../src/serve.ts";
import { MeshFileError, serve } from "../../src/serve.ts";
import type { WireResponse } from "../wire/ads-client.ts";
import { AdsClient, nodeBytes } from "../wire/ads-client.ts";

const MESH = `
services:
  - name: reviews
    owner: "@shop"
    versions:
      v1: { endpoints: ["127.0.0.1:9001"] }
      v2: { endpoints: ["127.0.0.1:9002"] }
    traffic: { v1: 100% }
gateways:
  - name: edge
    nodes: { cluster: edge }
    listen: 127.0.0.1:10000
    hosts:
      - domains: ["*"]
        routes:
          - { path: /reviews, to: reviews }
`;

let dir: string;
let running: RunningServer[];
let clients: AdsClient[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "belay-feature-"));
  await writeFile(join(dir, "mesh.yaml"), MESH);
  running = [];
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.close();
  for (const server of running) await server.close();
  await rm(dir, { recursive: true, force: true });
});

async function start(options: { mesh?: string; data?: string } = {}): Promise<RunningServer> {
  const server = await serve({
    data: join(dir, options.data ?? "data"),
    ...(options.mesh === undefined ? {} : { mesh: join(dir, options.mesh) }),
    xds: "127.0.0.1:0",
    http: "127.0.0.1:0",
    log: pino({ level: "silent" }),
  });
  running.push(server);
  return server;
}

async function stop(server: RunningServer): Promise<void> {
  running = running.filter((other) => other !== server);
  await server.close();
}

function connect(server: RunningServer, cluster: string): AdsClient {
  const client = new AdsClient(server.xds, "sotw");
  clients.push(client);
  const node = nodeBytes({ id: "n1", cluster });
  for (const typeUrl of [CLUSTER, LISTENER]) client.send({ node, typeUrl });
  client.send({ typeUrl: ENDPOINTS, resourceNames: ["reviews@v1", "reviews@v2"] });
  client.send({ typeUrl: ROUTES, resourceNames: ["edge"] });
  return client;
}

function ack(client: AdsClient, { typeUrl, nonce, versionInfo }: WireResponse): void {
  const names = typeUrl === ENDPOINTS ? ["reviews@v1", "reviews@v2"] : typeUrl === ROUTES ? ["edge"] : [];
  client.send({ typeUrl, versionInfo, responseNonce: nonce, resourceNames: names });
}

/** Takes and acknowledges everything of a first connection: clusters, endpoints, listener, routes. */
async function takeAll(client: AdsClient): Promise<Map<string, WireResponse>> {
  const taken = new Map<string, WireResponse>();
  while (taken.size < 4) {
    const response = await client.next();
    taken.set(response.typeUrl, response);
    ack(client, response);
  }
  return taken;
}

async function get(server: RunningServer, path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(server.http + path);
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : { text } };
}

describe("a control plane that is seeded with a mesh", () => {
  test("answers an Envoy with clusters, endpoints, listener and routes, in that order", async () => {
    const server = await start({ mesh: "mesh.yaml" });
    const taken = await takeAll(connect(server, "edge"));
    expect([...taken.keys()]).toEqual([CLUSTER, ENDPOINTS, LISTENER, ROUTES]);
    expect((await get(server, "/readyz")).status).toBe(200);
  });

  test("after a restart gives the same bytes under the same versions", async () => {
    const first = await start({ mesh: "mesh.yaml" });
    const before = await takeAll(connect(first, "edge"));
    await stop(first);
    const second = await start({ mesh: "mesh.yaml" });
    expect(second.notices).toEqual([]);
    const after = await takeAll(connect(second, "edge"));
    for (const [typeUrl, { versionInfo, resources }] of before) {
      expect(after.get(typeUrl)).toMatchObject({ versionInfo, resources });
    }
  });

  test("keeps what is live when the file has changed, and says how to apply it", async () => {
    await stop(await start({ mesh: "mesh.yaml" }));
    await writeFile(join(dir, "mesh.yaml"), MESH.replace("9002", "9003"));
    const again = await start({ mesh: "mesh.yaml" });
    expect(again.notices.join()).toContain("belay apply -f");
    expect((await get(again, "/v1/status")).body).toMatchObject({ ready: true, revision: { live: 1 } });
  });

  test("does not start on a bad mesh file, and names every mistake with its place", async () => {
    await writeFile(join(dir, "mesh.yaml"), MESH.replace("to: reviews", "to: revews"));
    const error = await start({ mesh: "mesh.yaml" }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MeshFileError);
    expect((error as MeshFileError).problems).toMatchObject([{ line: 16, message: expect.stringContaining("revews") }]);
  });

  test("starts on what it has where the file has become bad: Envoys do not go without for its sake", async () => {
    await stop(await start({ mesh: "mesh.yaml" }));
    await writeFile(join(dir, "mesh.yaml"), MESH.replace("to: reviews", "to: revews"));
    const again = await start({ mesh: "mesh.yaml" });
    expect(again.notices.join("\n")).toMatch(/cannot be used; revision 1 stays live\n.*mesh\.yaml:16:\d+: .*revews/);
    expect((await takeAll(connect(again, "edge"))).size).toBe(4);
  });

  test("does not start on a bad file where the store has no revision yet, and lets go of the store", async () => {
    await stop(await start());
    await writeFile(join(dir, "mesh.yaml"), MESH.replace("to: reviews", "to: revews"));
    await expect(start({ mesh: "mesh.yaml" })).rejects.toThrow(MeshFileError);
    await writeFile(join(dir, "mesh.yaml"), MESH);
    expect((await start({ mesh: "mesh.yaml" })).notices.join()).toContain("revision 1, live");
  });

  test("changes nothing where the first revision is still on its way", async () => {
    const first = await start();
    const silent = connect(first, "edge");
    await expect.poll(async () => (await get(first, "/v1/nodes/n1")).status).toBe(200);
    const body = JSON.stringify({ source: MESH, reason: "first" });
    await fetch(`${first.http}/v1/revisions`, { method: "POST", body });
    silent.close();
    await stop(first);
    await writeFile(join(dir, "mesh.yaml"), MESH.replace("9002", "9003"));
    const again = await start({ mesh: "mesh.yaml" });
    expect(again.notices.join()).toContain("changes nothing; the store has revisions already");
    expect(((await get(again, "/v1/revisions")).body["items"] as unknown[]).length).toBe(1);
  });

  test("lists a node that nothing selects, with the reason, and says nothing to it", async () => {
    const server = await start({ mesh: "mesh.yaml" });
    const client = connect(server, "elsewhere");
    await expect.poll(async () => (await get(server, "/v1/nodes/n1")).body["state"]).toBe("UNMATCHED");
    expect((await get(server, "/v1/nodes/n1")).body["reason"]).toEqual(expect.stringContaining("selects"));
    expect(client.unread).toEqual([]);
  });
});

describe("a control plane without a revision", () => {
  test("is not ready, keeps streams open unanswered, lists their nodes, and answers them once there is one", async () => {
    const server = await start();
    expect(await get(server, "/readyz")).toMatchObject({ status: 503 });
    const client = connect(server, "edge");
    await expect.poll(async () => (await get(server, "/v1/nodes/n1")).status).toBe(200);
    expect(client.unread).toEqual([]);
    const published = await fetch(`${server.http}/v1/revisions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ source: MESH, reason: "first" }),
    });
    expect(published.status).toBe(201);
    expect([...(await takeAll(client)).keys()]).toEqual([CLUSTER, ENDPOINTS, LISTENER, ROUTES]);
    await expect.poll(async () => (await get(server, "/readyz")).status).toBe(200);
  });
});

describe("a store that cannot be used", () => {
  async function expectUntouched(path: string): Promise<void> {
    const before = await readFile(path);
    const server = await start({ mesh: "mesh.yaml" });
    const ready = await get(server, "/readyz");
    expect(ready.status).toBe(503);
    expect(JSON.stringify(ready.body)).toContain("belay.db");
    expect((await get(server, "/healthz")).status).toBe(200);
    const client = connect(server, "edge");
    expect(await client.ended).toMatchObject({ code: 14, details: expect.stringContaining("belay.db") });
    expect(client.unread).toEqual([]);
    await stop(server);
    expect(await readFile(path)).toEqual(before);
  }

  test("a file that is no database is left as it is; the server stays up, not ready, and says why", async () => {
    await stop(await start({ mesh: "mesh.yaml" }));
    await writeFile(join(dir, "data", "belay.db"), "this is a letter to my landlord\n".repeat(500));
    await expectUntouched(join(dir, "data", "belay.db"));
  });

  test("a truncated file likewise", async () => {
    await stop(await start({ mesh: "mesh.yaml" }));
    await truncate(join(dir, "data", "belay.db"), 5_000);
    await expectUntouched(join(dir, "data", "belay.db"));
  });
});
