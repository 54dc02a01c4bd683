import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeOf } from "./fake-control-plane.ts";
import { type Answered, at, type Serving, serving } from "./serving.ts";

const SHIFT = { kind: "shift", service: "reviews", weights: { v2: 500 }, reason: "r" };

function codeOf({ json }: Answered): unknown {
  return at(json, "error", "code");
}

describe("bodies", () => {
  const bodies: readonly [what: string, body: string | Buffer, status: number, code: string][] = [
    ["text that is not JSON", "{reason: 1}", 400, "bad-json"],
    ["half a JSON document", '{"kind": "shift"', 400, "bad-json"],
    ["bytes that are not UTF-8", Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 400, "bad-json"],
    ["a million brackets", "[".repeat(1_000_000), 400, "bad-json"],
    ["deep nesting", `{"kind":${"[".repeat(5_000)}${"]".repeat(5_000)}}`, 400, "bad-json"],
    ["nothing", "", 422, "invalid"],
    ["null", "null", 422, "invalid"],
    ["a list", "[]", 422, "invalid"],
    ["a number", "7", 422, "invalid"],
    ["no kind", "{}", 422, "invalid"],
    ["an unknown kind", '{"kind":"explode"}', 422, "invalid"],
    ["an empty reason", JSON.stringify({ ...SHIFT, reason: "  " }), 422, "invalid"],
    ["no reason", JSON.stringify({ ...SHIFT, reason: undefined }), 422, "invalid"],
    ["a reason of a megabyte", JSON.stringify({ ...SHIFT, reason: "r".repeat(1_000_000) }), 422, "invalid"],
    ["weights that are text", JSON.stringify({ ...SHIFT, weights: { v2: "5%" } }), 422, "invalid"],
    ["half basis points", JSON.stringify({ ...SHIFT, weights: { v2: 0.5 } }), 422, "invalid"],
    ["negative weights", JSON.stringify({ ...SHIFT, weights: { v2: -1 } }), 422, "invalid"],
    ["weights over all traffic", JSON.stringify({ ...SHIFT, weights: { v2: 10_001 } }), 422, "invalid"],
    ["a misspelt key", JSON.stringify({ ...SHIFT, dryrun: true }), 422, "invalid"],
    ["a number too large to be one", '{"kind":"config","revision":1e999,"reason":"r"}', 422, "invalid"],
  ];
  test.each(bodies)("%s", async (_what, body, status, code) => {
    const server = await serving();
    server.controlPlane.seed();
    const answer = await server.ask("POST", "/v1/rollouts", body);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    expect(server.controlPlane.events).toHaveLength(1);
  });

  test("a compressed body is 415, not a riddle", async () => {
    const server = await serving();
    const answer = await server.ask("POST", "/v1/rollouts", gzipSync(JSON.stringify(SHIFT)), {
      "content-encoding": "gzip",
    });
    expect([answer.status, codeOf(answer)]).toEqual([415, "bad-encoding"]);
  });

  test("a body without its kind is told the kinds", async () => {
    const server = await serving();
    const { json } = await server.ask("POST", "/v1/rollouts", {});
    expect(json["problems"]).toEqual([
      { path: "kind", message: "it is missing", hint: "one of: shift, config", code: "missing" },
    ]);
  });

  test("a prototype in a body is a key like any other", async () => {
    const server = await serving();
    server.controlPlane.seed();
    const body = '{"kind":"shift","service":"__proto__","weights":{"__proto__":5,"constructor":5},"reason":"r"}';
    expect((await server.ask("POST", "/v1/rollouts", body)).status).toBe(404);
    const proto = await server.ask("POST", "/v1/rollouts", '{"kind":"shift","__proto__":{"reason":"r"}}');
    expect(proto.status).toBe(422);
    expect(({} as Record<string, unknown>)["reason"]).toBeUndefined();
  });

  test("problems say what is wrong in plain words", async () => {
    const server = await serving();
    const { json } = await server.ask("POST", "/v1/rollouts", {
      kind: "shift",
      service: 7,
      weights: { v2: "5%" },
      why: "r",
    });
    expect(json["problems"]).toEqual([
      { path: "service", message: "a text is needed, not 7", code: "wrong-type" },
      { path: "weights.v2", message: "a number is needed, not a text", code: "wrong-type" },
      { path: "reason", message: "it is missing, a text is needed", code: "missing" },
      { path: "why", message: '"why" is not known here', code: "unknown-key" },
    ]);
  });

  test("over 16 MiB: 413, read by the sender as an answer, and the next request is served", async () => {
    const server = await serving();
    const body = Buffer.alloc(17 * 1024 * 1024, 0x20);
    const answer = await server.ask("POST", "/v1/revisions", body);
    expect([answer.status, codeOf(answer)]).toEqual([413, "too-large"]);
    const chunked = await server.ask("POST", "/v1/revisions", body, { "transfer-encoding": "chunked" });
    expect(chunked.status).toBe(413);
    expect((await server.ask("GET", "/healthz")).status).toBe(200);
  });

  test("a body under 16 MiB is read to its end", async () => {
    const server = await serving();
    server.controlPlane.seed();
    const source = `#${" ".repeat(15 * 1024 * 1024)}`;
    expect((await server.ask("POST", "/v1/plans", { source })).status).toBe(200);
  });

  test.each([
    ["application/json; charset=utf-8", 201],
    ["application/json; charset=UTF-8", 201],
    ["text/plain", 201],
    ["application/x-www-form-urlencoded", 201],
    ["application/json; charset=klingon", 415],
  ])("content type %s", async (type, status) => {
    const server = await serving();
    server.controlPlane.seed();
    expect((await server.ask("POST", "/v1/rollouts", SHIFT, { "content-type": type })).status).toBe(status);
  });
});

describe("paths and methods", () => {
  test.each([
    ["GET", "/nothing", 404, "not-found"],
    ["GET", "/v1", 404, "not-found"],
    ["GET", "/v1/nodes/none", 404, "not-found"],
    ["GET", "/v1/revisions/0", 404, "not-found"],
    ["GET", "/v1/revisions/1e1", 404, "not-found"],
    ["GET", "/v1/revisions/99999999999999999999", 404, "not-found"],
    ["GET", "/v1/rollouts/__proto__", 404, "not-found"],
    ["GET", "/v1/nodes/%E0%A4%A", 400, "bad-path"],
    ["GET", "/v1/nodes/%", 400, "bad-path"],
    ["GET", "/v1/nodes?limit=0", 422, "invalid"],
    ["GET", "/v1/nodes?limit=1001", 422, "invalid"],
    ["GET", "/v1/nodes?limit=many", 422, "invalid"],
    ["GET", "/v1/nodes?after=none", 422, "invalid"],
    ["GET", "/v1/journal?after=-1", 422, "invalid"],
    ["GET", "/v1/watch?after=99", 422, "invalid"],
    ["DELETE", "/v1/revisions/1", 405, "wrong-method"],
    ["PUT", "/v1/status", 405, "wrong-method"],
    ["POST", "/v1/nodes", 405, "wrong-method"],
    ["PATCH", "/", 405, "wrong-method"],
  ])("%s %s answers %i", async (method, path, status, code) => {
    const server = await serving();
    server.controlPlane.seed();
    const answer = await server.ask(method, path);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });

  test("405 says what is allowed", async () => {
    const server = await serving();
    expect((await server.ask("PUT", "/v1/rollouts")).headers["allow"]).toBe("GET, POST, HEAD");
    expect((await server.ask("GET", "/v1/rollbacks")).headers["allow"]).toBe("POST");
  });

  test("HEAD is GET without its body", async () => {
    const server = await serving();
    for (const path of ["/v1/status", "/", "/metrics", "/v1/openapi.json", "/v1/watch"]) {
      const { status, text } = await server.ask("HEAD", path);
      expect([path, status, text]).toEqual([path, 200, ""]);
    }
    expect(server.controlPlane.listeners.size).toBe(0);
  });

  test.each(["plain", "with space", "a/b", "a%2Fb", "100%", "ünï", "a?b#c", "<script>"])(
    "a node may be called %j",
    async (id) => {
      const server = await serving();
      server.controlPlane.fleet.push(nodeOf(id));
      const path = `/v1/nodes/${encodeURIComponent(id)}`;
      expect((await server.ask("GET", path)).json["id"]).toBe(id);
    },
  );
});

describe("browsers that were misled", () => {
  const refused = (server: Serving, headers: Record<string, string>) =>
    server.ask("POST", "/v1/rollouts", SHIFT, headers);

  test("a page of another site may not change anything; our own may", async () => {
    const server = await serving();
    server.controlPlane.seed();
    const host = new URL(server.url).host;
    for (const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { origin: "http://127.0.0.1:1" },
    ]) {
      expect((await refused(server, headers as Record<string, string>)).status).toBe(403);
    }
    expect(server.controlPlane.asked).toEqual([]);
    expect((await refused(server, { origin: `http://${host}` })).status).toBe(201);
  });

  test("a name that points at loopback is refused, also for reading", async () => {
    const server = await serving();
    const { status, json } = await server.ask("GET", "/v1/status", undefined, { host: "evil.example:7070" });
    expect([status, at(json, "error", "code")]).toEqual([403, "forbidden"]);
    for (const host of ["localhost:7070", "127.0.0.1", "[::1]:7070", "LOCALHOST"]) {
      expect((await server.ask("GET", "/v1/status", undefined, { host })).status).toBe(200);
    }
  });
});

test("a query with nothing in it is the same as none", async () => {
  const server = await serving();
  server.controlPlane.seed();
  for (const path of ["/v1/rollouts?after=&limit=", "/v1/nodes?state=", "/v1/journal?after="]) {
    expect([path, (await server.ask("GET", path)).status]).toEqual([path, 200]);
  }
});

test.each([
  [`GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ${"a".repeat(20_000)}\r\n\r\n`, 431, "headers-too-large"],
  ["BREW /pot HTCPCP/1.0\r\n\r\n", 400, "bad-request"],
])("what is no request gets an answer as every failure does: %#", async (bytes, status, code) => {
  const { hostname, port } = new URL((await serving()).url);
  const answer = await new Promise<string>((resolve, reject) => {
    let text = "";
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(bytes));
    socket.on("error", reject).on("data", (chunk) => (text += String(chunk)));
    socket.on("close", () => resolve(text));
  });
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(codeOf({ json: JSON.parse(body) } as Answered)).toBe(code);
});

test("headers of 10,000 bytes are read", async () => {
  const server = await serving();
  expect((await server.ask("GET", "/healthz", undefined, { x: "a".repeat(10_000) })).status).toBe(200);
});

test("garbage on the socket ends that connection and nothing else", async () => {
  const server = await serving();
  const { hostname, port } = new URL(server.url);
  for (const bytes of [
    "\x16\x03\x01\x02\x00",
    "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  ]) {
    await new Promise<void>((resolve) => {
      const socket = connect({ host: hostname, port: Number(port) }, () => socket.end(bytes));
      socket.on("error", () => {});
      socket.resume().on("close", () => resolve());
    });
  }
  expect((await server.ask("GET", "/healthz")).status).toBe(200);
});

test("whatever is asked, the answer is ours and never a 500", async () => {
  const server = await serving();
  server.controlPlane.seed();
  const paths = [
    "/v1/rollouts",
    "/v1/revisions",
    "/v1/rollbacks",
    "/v1/plans",
    "/v1/rollouts/ro-1/abort",
    "/v1/freezes",
  ];
  const value = fc.jsonValue({ maxDepth: 4 });
  const keys = [
    "kind",
    "service",
    "weights",
    "reason",
    "revision",
    "mesh",
    "source",
    "to",
    "now",
    "by",
    "stages",
    "dryRun",
  ];
  const body = fc.oneof(
    value,
    fc.dictionary(fc.constantFrom(...keys), fc.oneof(value, fc.constantFrom("shift", "config", "all", "r", true, 1))),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), body, async (path, sent) => {
      const { status, json } = await server.ask("POST", path, JSON.stringify(sent));
      expect([200, 201, 404, 409, 422, 501]).toContain(status);
      if (status >= 400) expect(json["error"]).toMatchObject({ code: expect.any(String), message: expect.any(String) });
    }),
    { numRuns: 300 },
  );
});
