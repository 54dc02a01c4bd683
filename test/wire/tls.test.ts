import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { alternativeNames } from "../../src/grpc/peer.ts";
import { certificateNamesNode, SnapshotCache, snapshot, type TlsMaterial, XdsServer } from "../../src/index.ts";
import { message } from "./ads-client.ts";
import { authority, type Pair } from "./certificates.ts";
import { type Edge, nodeOf, startEdge } from "./edge.ts";
import { frame, type RawCall, RawClient } from "./raw-call.ts";

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
const ca = authority("server CA");
const clientCa = authority("client CA");
const server = ca.issue({ name: "belay", dns: ["belay.test"] });
const n1 = clientCa.issue({ name: "n1", dns: ["n1"], uris: ["spiffe://belay.test/n1"] });

let xds: XdsServer;
let cache: SnapshotCache;
let port: number;
let warnings: string[];
let clients: RawClient[];

beforeEach(() => {
  warnings = [];
  clients = [];
  cache = new SnapshotCache();
  cache.set("default", snapshot({ resources: [{ "@type": CLUSTER, name: "a" }] }));
});
afterEach(async () => {
  for (const client of clients) client.close();
  await xds?.close();
});

async function serve(tls: TlsMaterial, authorize?: ReturnType<typeof certificateNamesNode>): Promise<void> {
  xds = new XdsServer({ cache, tls, ...(authorize === undefined ? {} : { authorize }) });
  xds.on("warning", (text) => warnings.push(text));
  ({ port } = await xds.listen("127.0.0.1:0"));
}

const mutual = (pair: Pair = server): TlsMaterial => ({ ...pair, clientCa: clientCa.cert });

function client(pair?: Pair, more: ConnectionOptions = {}): RawClient {
  const made = new RawClient(port, { ca: ca.cert, servername: "belay.test", ALPNProtocols: ["h2"], ...pair, ...more });
  clients.push(made);
  return made;
}

const first = (id: string): Buffer =>
  frame(message("DiscoveryRequest").serialize({ typeUrl: CLUSTER, node: nodeOf(id) }));
const ask = (by: RawClient, id = "n1"): RawCall => by.call(ADS).write(first(id));

/** The names of the clusters that it is told next. */
async function answered(call: RawCall, count = 1): Promise<number> {
  const messages = await call.received(count);
  return (message("DiscoveryResponse").deserialize(messages[count - 1] as Buffer)["resources"] as unknown[]).length;
}

/** The certificate that the server shows to a new connection. */
async function shown(): Promise<string> {
  const socket = connectTls({ port, host: "127.0.0.1", ca: ca.cert, servername: "belay.test", ALPNProtocols: ["h2"] });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

describe("xDS over TLS", () => {
  test("is served, to clients without a certificate too where none is asked for", async () => {
    await serve(server);
    expect(await answered(ask(client()))).toBe(1);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "is served over %s, with the certificate of the client told",
    async (version) => {
      const peers: unknown[] = [];
      xds = new XdsServer({ cache, tls: mutual(), authorize: ({ peer }) => peers.push(peer) > 0 || "never" });
      ({ port } = await xds.listen("127.0.0.1:0"));
      expect(await answered(ask(client(n1, { minVersion: version, maxVersion: version })))).toBe(1);
      expect(peers).toEqual([
        {
          address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
          certificate: {
            subject: "CN=n1",
            dnsNames: ["n1"],
            uris: ["spiffe://belay.test/n1"],
            fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
          },
        },
      ]);
    },
  );

  test("P55 a client without a certificate is UNAUTHENTICATED where one is required, and so is one of another CA", async () => {
    await serve(mutual());
    for (const pair of [undefined, authority("a stranger").issue({ name: "n1", dns: ["n1"] })]) {
      const ended = await ask(client(pair)).ended;
      expect(ended).toMatchObject({ status: "16", messages: [] });
      expect(ended.message).toContain("client CA");
    }
    expect(await answered(ask(client(n1)))).toBe(1);
  });

  test("P55 a certificate that has run out is none", async () => {
    await serve(mutual());
    expect(await ask(client(clientCa.issue({ name: "n1", dns: ["n1"], days: -1 }))).ended).toMatchObject({
      status: "16",
    });
  });

  test("a certificate may be left out where it is not required; the hook decides", async () => {
    await serve({ ...mutual(), requireClientCert: false }, certificateNamesNode());
    expect(await ask(client()).ended).toMatchObject({ status: "7" });
    expect(await answered(ask(client(n1)))).toBe(1);
  });

  test.each(["n1", "spiffe://belay.test/n1"])("P55 a node whose certificate names it is served: %s", async (id) => {
    await serve(mutual(), certificateNamesNode());
    expect(await answered(ask(client(n1), id))).toBe(1);
  });

  test("P55 a node whose certificate names another is refused, on a connection that goes on serving", async () => {
    await serve(mutual(), certificateNamesNode());
    const connection = client(n1);
    expect(await ask(connection, "n2").ended).toMatchObject({ status: "7", messages: [] });
    expect(warnings).toEqual([expect.stringMatching(/"n2".*names? "n1"|"n2".*"n1"/)]);
    expect(await answered(ask(connection, "n1"))).toBe(1);
  });
});

describe("certificates that are exchanged while it runs", () => {
  test("are shown to new connections, and streams that are open go on", async () => {
    await serve(mutual());
    const connection = client(n1);
    const stream = ask(connection);
    expect(await answered(stream)).toBe(1);
    const before = await shown();
    xds.setTls(mutual(ca.issue({ name: "belay", dns: ["belay.test"] })));
    expect(await shown()).not.toBe(before);
    cache.set("default", snapshot({ resources: ["a", "b"].map((name) => ({ "@type": CLUSTER, name })) }));
    stream.write(frame(message("DiscoveryRequest").serialize({ typeUrl: CLUSTER, responseNonce: nonceOf(stream) })));
    expect(await answered(stream, 2)).toBe(2);
    expect(connection.session.closed).toBe(false);
  });

  test("take the CA of clients with them", async () => {
    await serve(mutual());
    const next = authority("next client CA");
    xds.setTls({ ...server, clientCa: next.cert });
    expect(await ask(client(n1)).ended).toMatchObject({ status: "16" });
    expect(await answered(ask(client(next.issue({ name: "n1", dns: ["n1"] }))))).toBe(1);
  });

  test("and cannot be used leave what there was", async () => {
    await serve(mutual());
    const before = await shown();
    expect(() => xds.setTls({ ...mutual(), key: n1.key })).toThrow("tls.key: the key is not that of the certificate");
    expect(() => xds.setTls(server)).toThrow(/asked for certificates cannot be changed/);
    expect(await shown()).toBe(before);
  });

  test("are no matter of a server in plain text", async () => {
    xds = new XdsServer({ cache });
    ({ port } = await xds.listen("127.0.0.1:0"));
    expect(() => xds.setTls(server)).toThrow(/begun in plain text/);
  });

  test.each([
    ["tls.cert: there is no certificate", { ...server, cert: "nothing" }],
    ["tls.cert: certificate 1 in it cannot be read", { ...server, cert: server.cert.replace(/M/g, "N") }],
    ["tls.cert: the certificate ran out", ca.issue({ name: "old", days: -1 })],
    ["tls.key: there is no private key", { ...server, key: server.cert }],
    ["tls.key: the key is not that", { ...server, key: n1.key }],
    ["tls.clientCa: there is no certificate", { ...server, clientCa: "nothing" }],
    ["tls.clientCa: certificates of clients are required", { ...server, requireClientCert: true }],
  ])("fail to start it: %s", async (why, tls) => {
    await expect(new XdsServer({ cache, tls }).listen("127.0.0.1:0")).rejects.toThrow(why);
  });
});

function nonceOf(call: RawCall): unknown {
  return message("DiscoveryResponse").deserialize(call.messages()[0] as Buffer)["nonce"];
}

describe("clients that do not do their part", () => {
  let edge: Edge;
  let told: string[];
  beforeEach(async () => {
    told = [];
    edge = await startEdge(undefined, undefined, {
      tls: server,
      handshakeMs: 300,
      onWarning: (text) => told.push(text),
    });
    ({ port } = edge);
  });
  afterEach(() => edge.close());

  test("one that never finishes its handshake is cut, and others are served meanwhile", async () => {
    const slow = connectTcp(port, "127.0.0.1");
    slow.on("error", () => {});
    await once(slow, "connect");
    // The head of a ClientHello, and nothing more.
    slow.write(Buffer.of(0x16, 3, 1, 2, 0, 1, 0));
    await served();
    await once(slow, "close");
  });

  test("one that speaks plain text is cut", async () => {
    const plain = connectTcp(port, "127.0.0.1");
    plain.on("error", () => {});
    plain.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    await once(plain, "close");
    await served();
    expect(told).toEqual([expect.stringMatching(/^a TLS handshake with 127\.0\.0\.1 failed: /)]);
  });

  test("one without HTTP/2 is ended: with an alert, or an answer that it understands", async () => {
    const other = connectTls({
      port,
      host: "127.0.0.1",
      ca: ca.cert,
      servername: "belay.test",
      ALPNProtocols: ["http/1.1"],
    });
    const [alert] = (await once(other, "error")) as [NodeJS.ErrnoException];
    expect(alert.code).toBe("ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
    const none = connectTls({ port, host: "127.0.0.1", ca: ca.cert, servername: "belay.test" });
    let said = "";
    none.on("data", (chunk: Buffer) => (said += chunk));
    none.on("error", () => {});
    none.write("GET / HTTP/1.1\r\n\r\n");
    await once(none, "close");
    expect(said).toMatch(/^HTTP\/1\.0 403/);
    await served();
  });

  test.each(["TLSv1", "TLSv1.1"] as const)("one that knows no more than %s is ended", async (version) => {
    const old = connectTls({
      port,
      host: "127.0.0.1",
      minVersion: version,
      maxVersion: version,
      ciphers: "ALL@SECLEVEL=0",
    });
    const [error] = (await once(old, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toMatch(/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS/);
  });

  test("one that opens streams to reset them is ended, and others are served", async () => {
    const flood = client();
    await once(flood.session, "connect");
    for (let round = 0; round < 200 && !flood.session.closed; round += 1) {
      for (let index = 0; index < 50 && !flood.session.closed; index += 1)
        flood.session
          .request({ ":method": "POST", ":path": ADS })
          .on("error", () => {})
          .close(8);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await flood.closed;
    await served();
  });

  test("headers without an end are refused, and others are served", async () => {
    const huge = client();
    const headers = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`x-${index}`, "y".repeat(8_000)]));
    const call = huge.call(ADS, headers);
    const ended = await call.ended;
    expect(ended.messages).toEqual([]);
    expect(ended.reset).not.toBe(0);
    await served();
  });

  test("one that never finishes its handshake does not keep the server from closing", async () => {
    const patient = await startEdge(undefined, undefined, { tls: server, handshakeMs: 3_600_000 });
    const slow = connectTcp(patient.port, "127.0.0.1");
    slow.on("error", () => {});
    slow.write(Buffer.of(0x16, 3, 1, 2, 0, 1, 0));
    await once(slow, "connect");
    const cut = once(slow, "close");
    await patient.close();
    await cut;
  });

  async function served(): Promise<void> {
    const ended = await client().call("/t.No/Method").ended;
    expect(ended.status).toBe("12");
  }
});

test.each([
  [
    "DNS:a, URI:spiffe://x/y, IP Address:127.0.0.1",
    [
      ["DNS", "a"],
      ["URI", "spiffe://x/y"],
      ["IP Address", "127.0.0.1"],
    ],
  ],
  [
    String.raw`DNS:"a\u002c DNS:b", DNS:c`,
    [
      ["DNS", "a, DNS:b"],
      ["DNS", "c"],
    ],
  ],
  ["", []],
  ["DNS:a, rubbish", []],
  ['DNS:"a, DNS:b', []],
])("P55 subject alternative names are not taken for more than they are: %j", (text, names) => {
  expect(alternativeNames(text)).toEqual(names);
});
