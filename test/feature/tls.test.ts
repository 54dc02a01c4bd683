import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import type { StatusObject } from "../../src/http/contract.ts";
import { type RunningServer, serve, type XdsTls } from "../../src/serve.ts";
import { message } from "../wire/ads-client.ts";
import { authority, type Pair } from "../wire/certificates.ts";
import { nodeOf } from "../wire/edge.ts";
import { frame, RawClient } from "../wire/raw-call.ts";

const MESH = `services:
  - { name: reviews, owner: "@shop", versions: { v1: { endpoints: ["127.0.0.1:9001"] } } }
gateways:
  - { name: edge, nodes: { cluster: edge }, listen: "127.0.0.1:10000", hosts: [{ domains: ["*"], routes: [{ path: /, to: reviews }] }] }
`;
const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
const CSDS = "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus";
const ca = authority("server CA");
const clients = authority("client CA");
const issue = (days = 100): Pair => ca.issue({ name: "belay", dns: ["belay.test"], days });

let dir: string;
let lines: string[];
let running: RunningServer | undefined;
let opened: RawClient[];

const file = (name: string): string => join(dir, name);
/** Whole, as whoever exchanges certificates does it: a reader never meets half of one. */
function put(name: string, text: string): void {
  writeFileSync(file(`${name}.new`), text);
  renameSync(file(`${name}.new`), file(name));
}

function write({ cert, key }: Pair): void {
  put("cert.pem", cert);
  put("key.pem", key);
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "belay-tls-"));
  lines = [];
  opened = [];
  writeFileSync(file("mesh.yaml"), MESH);
  writeFileSync(file("ca.pem"), clients.cert);
  write(issue());
});
afterEach(async () => {
  for (const client of opened) client.close();
  await running?.close();
  running = undefined;
  rmSync(dir, { recursive: true, force: true });
});

/** Resolves with the first line of the log that contains the text, also one that is there. */
let heard: () => void = () => {};
async function logged(text: string): Promise<string> {
  for (;;) {
    const line = lines.find((one) => one.includes(text));
    if (line !== undefined) return line;
    await new Promise<void>((resolve) => (heard = resolve));
  }
}

async function start(more: Partial<XdsTls> = {}, withClients = true): Promise<RunningServer> {
  const log = pino({ level: "info" }, { write: (line: string) => (lines.push(line), heard()) });
  const files = { cert: file("cert.pem"), key: file("key.pem"), ...(withClients ? { clientCa: file("ca.pem") } : {}) };
  const xdsTls = { files, everyMs: 10, ...more };
  const { mesh, data } = { mesh: file("mesh.yaml"), data: file("data") };
  running = await serve({ data, mesh, xds: "127.0.0.1:0", http: "127.0.0.1:0", log, xdsTls });
  return running;
}

const portOf = ({ xds }: RunningServer): number => Number(xds.slice(xds.lastIndexOf(":") + 1));

/** How a request of the node ends, or `served`. */
async function ask(server: RunningServer, id: string, pair?: Pair, cluster = "edge"): Promise<string | undefined> {
  const client = new RawClient(portOf(server), { ca: ca.cert, servername: "belay.test", ...pair });
  opened.push(client);
  const node = cluster === "edge" ? nodeOf(id) : message("Node").serialize({ id, cluster });
  const call = client.call(ADS).write(frame(message("DiscoveryRequest").serialize({ typeUrl: CLUSTER, node })));
  return await Promise.race([call.received(1).then(() => "served"), call.ended.then(({ status }) => status)]);
}

async function shown(server: RunningServer): Promise<string> {
  const socket = connect({ port: portOf(server), host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["h2"] });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

test("P55 with a client CA a node is who its certificate names, on every way in", async () => {
  const server = await start();
  const edge1 = clients.issue({ name: "x", dns: ["edge-1"] });
  expect(await ask(server, "edge-1", edge1)).toBe("served");
  expect(await ask(server, "edge-2", edge1)).toBe("7");
  expect(await ask(server, "edge-1")).toBe("16");
  expect(await logged("edge-2")).toContain("does not name its id");
  const polled = await fetch(`${server.http}/v3/discovery:clusters`, {
    method: "POST",
    body: JSON.stringify({ node: { id: "edge-1", cluster: "edge" } }),
  });
  expect(polled.status).toBe(403);
  expect(await (await fetch(`${server.http}/v1/status`)).json()).toMatchObject({ xds: server.xds });
});

test("P55 a node can be held to its cluster too", async () => {
  const server = await start({ names: ["id", "cluster"] });
  const edge1 = clients.issue({ name: "x", dns: ["edge-1", "edge"] });
  expect(await ask(server, "edge-1", edge1)).toBe("served");
  expect(await ask(server, "edge-1", edge1, "billing")).toBe("7");
});

test("P56 what all nodes have is told to those whose certificates are named for it, and to no node", async () => {
  const server = await start({ observers: ["tool"] });
  const statusFor = async (name: string): Promise<string | undefined> => {
    const client = new RawClient(portOf(server), {
      ca: ca.cert,
      servername: "belay.test",
      ...clients.issue({ name: "x", dns: [name] }),
    });
    opened.push(client);
    const call = client.call(CSDS).write(frame(Buffer.alloc(0)));
    call.stream.end();
    return (await call.ended).status;
  };
  expect(await statusFor("tool")).toBe("0");
  expect(await statusFor("edge-1")).toBe("7");
});

test("without a client CA everybody is served, over TLS", async () => {
  expect(await ask(await start({}, false), "edge-1")).toBe("served");
});

test("files that change are read again; what does not fit together changes nothing, and is said once", async () => {
  const server = await start();
  const first = await shown(server);
  const next = issue(200);
  put("cert.pem", next.cert);
  expect(await logged("the certificate in use stays")).toContain("key.pem: the key is not that of the certificate");
  expect(await shown(server)).toBe(first);
  put("key.pem", next.key);
  await logged("is exchanged");
  const { xdsCertificate } = (await (await fetch(`${server.http}/v1/status`)).json()) as StatusObject;
  expect(Date.parse(xdsCertificate?.notAfter ?? "")).toBe(Date.parse(new X509Certificate(next.cert).validTo));
  expect(await shown(server)).not.toBe(first);
  rmSync(file("cert.pem"));
  await logged("cert.pem: it cannot be read");
  expect(await ask(server, "edge-1", clients.issue({ name: "x", dns: ["edge-1"] }))).toBe("served");
  expect(lines.filter((line) => line.includes("the certificate in use stays"))).toHaveLength(2);
});

test.each([
  ["--xds-cert", "cert.pem", "nothing", "there is no certificate in it"],
  ["--xds-key", "key.pem", "nothing", "there is no private key in it"],
  ["--xds-client-ca", "ca.pem", "nothing", "there is no certificate in it"],
])("a wrong file is named before anything is started: %s", async (flag, name, text, why) => {
  writeFileSync(file(name), text);
  await expect(start()).rejects.toMatchObject({ code: "invalid", message: expect.stringContaining(why) });
  await expect(start()).rejects.toThrow(`${flag} ${file(name)}: `);
});
