import { expect, test } from "vitest";
import { ControlError, type ControlErrorCode } from "../../src/core/failure/control-error.ts";
import { meshOf } from "./fake-control-plane.ts";
import { at, serving } from "./serving.ts";

const SHIFT = { kind: "shift", service: "reviews", weights: { v2: 500 }, reason: "CHG-1" };

test("publishing answers 201 with the revision and its rollout", async () => {
  const server = await serving();
  server.controlPlane.seed();
  const { status, json } = await server.ask("POST", "/v1/revisions", { source: "services: []", reason: "r" });
  expect(status).toBe(201);
  expect(json).toMatchObject({ revision: { n: 2, source: "mesh.yaml" }, rollout: { id: "ro-1", kind: "config" } });
  const text = await server.ask("GET", "/v1/revisions/2/source");
  expect([text.status, text.text]).toEqual([200, "services: []"]);
});

test("starting a shift, a config rollout or a rollback answers 201 with the rollout and where it is", async () => {
  const server = await serving();
  server.controlPlane.seed();
  const shift = await server.ask("POST", "/v1/rollouts", SHIFT);
  const config = await server.ask("POST", "/v1/rollouts", { kind: "config", revision: 1, stages: "all", reason: "r" });
  const back = await server.ask("POST", "/v1/rollbacks", {
    to: "last-known-good",
    now: true,
    freeze: false,
    reason: "r",
  });
  expect([shift.status, config.status, back.status]).toEqual([201, 201, 201]);
  expect([shift.json["kind"], config.json["kind"], back.json["kind"]]).toEqual(["shift", "config", "rollback"]);
  expect(shift.headers["location"]).toBe("/v1/rollouts/ro-1");
  expect((await server.ask("GET", "/v1/rollouts/ro-1")).json["id"]).toBe("ro-1");
});

test("where there is nothing to do it says so with 200, and has no rollout", async () => {
  const server = await serving();
  server.controlPlane.seed();
  await server.ask("POST", "/v1/rollouts", SHIFT);
  const { status, json } = await server.ask("POST", "/v1/rollbacks", { to: 1, reason: "r" });
  expect(status).toBe(200);
  expect(json).toMatchObject({ rollout: null, summary: ["it is in force already"] });
});

test("a plan says what would change and writes nothing", async () => {
  const server = await serving();
  server.controlPlane.seed();
  const [route] = meshOf().gateways[0]?.hosts[0]?.routes ?? [];
  const mesh = meshOf();
  const gateway = mesh.gateways[0];
  const changed = {
    ...mesh,
    gateways: [{ ...gateway, hosts: [{ domains: ["*"], routes: [{ ...route, timeoutMs: 3_000 }] }] }],
  };
  const { status, json } = await server.ask("POST", "/v1/plans", { mesh: changed });
  expect(status).toBe(200);
  expect(json).toMatchObject({
    summary: ["publishes revision 2"],
    changes: [{ change: "changed", subject: "route edge * /", field: "timeout", after: "3s" }],
  });
  expect(server.controlPlane.events).toHaveLength(1);
});

test.each([
  ["/v1/revisions", { source: "x", reason: "r" }],
  ["/v1/rollouts", SHIFT],
  ["/v1/rollbacks", { reason: "r" }],
])("%s with dryRun answers 200 with a plan and writes nothing", async (path, body) => {
  const server = await serving();
  server.controlPlane.seed();
  server.controlPlane.done.push({ revision: 1, weights: {}, rollout: null, at: "" });
  const { status, json } = await server.ask("POST", path, { ...body, dryRun: true });
  expect(status).toBe(200);
  expect(json).toMatchObject({ summary: expect.any(Array), nodes: expect.any(Array), rollout: { state: "planned" } });
  expect(server.controlPlane.events).toHaveLength(1);
});

test("who asks is the body's by, else the header's, else http; the idempotency key is passed on", async () => {
  const server = await serving();
  server.controlPlane.seed();
  await server.ask("POST", "/v1/rollouts", SHIFT, { "idempotency-key": "k-1" });
  await server.ask("POST", "/v1/rollouts", SHIFT, { "x-belay-by": "ana" });
  await server.ask("POST", "/v1/rollouts", { ...SHIFT, by: "bo" }, { "x-belay-by": "ana" });
  expect(server.controlPlane.asked.map(({ by }) => by)).toEqual(["http", "ana", "bo"]);
  expect(server.controlPlane.asked[0]?.idempotencyKey).toBe("k-1");
});

test("a rollout is aborted only in the version that If-Match names; else 412 has the current one", async () => {
  const server = await serving();
  server.controlPlane.seed();
  server.controlPlane.ends = undefined;
  const { json } = await server.ask("POST", "/v1/rollouts", SHIFT);
  const version = String(json["version"]);
  const abort = (etag: string) => server.ask("POST", "/v1/rollouts/ro-1/abort", { reason: "r" }, { "if-match": etag });
  const outdated = await abort('"1"');
  expect(outdated.status).toBe(412);
  expect(outdated.json).toMatchObject({ id: "ro-1", version, error: { code: "stale" } });
  expect(outdated.headers["etag"]).toBe(`"${version}"`);
  const done = await abort(`W/"0", "${version}"`);
  expect([done.status, done.json["state"]]).toEqual([200, "aborted"]);
  expect((await server.ask("POST", "/v1/rollouts/ro-1/abort", { reason: "r" })).status).toBe(409);
});

test("objects have an ETag, and are not sent again to who has them", async () => {
  const server = await serving();
  server.controlPlane.seed();
  await server.ask("POST", "/v1/rollouts", SHIFT);
  for (const path of ["/v1/rollouts/ro-1", "/v1/revisions/1"]) {
    const first = await server.ask("GET", path);
    const etag = String(first.headers["etag"]);
    expect(etag).toBe(`"${String(first.json["version"])}"`);
    const again = await server.ask("GET", path, undefined, { "if-none-match": etag });
    expect([again.status, again.text]).toEqual([304, ""]);
  }
});

test("a conflict names what is in the way", async () => {
  const server = await serving();
  server.controlPlane.seed();
  server.controlPlane.ends = undefined;
  await server.ask("POST", "/v1/rollouts", SHIFT);
  const { status, json } = await server.ask("POST", "/v1/rollouts", SHIFT);
  expect(status).toBe(409);
  expect(json).toMatchObject({ error: { code: "conflict", holder: "ro-1", message: "ro-1 is moving" } });
});

const STATUSES: Readonly<Record<ControlErrorCode, number>> = {
  invalid: 422,
  "not-found": 404,
  conflict: 409,
  "nothing-to-do-back": 409,
  stale: 412,
  "not-ready": 503,
  "store-failed": 503,
  internal: 500,
};

test.each(Object.entries(STATUSES))(
  "an operation that fails as %s answers %i with the sentence",
  async (code, wanted) => {
    const server = await serving();
    server.controlPlane.seed();
    server.controlPlane.failure = new ControlError(code as ControlErrorCode, "this and that", {
      problems: [{ path: ["weights", "v9"], message: "no such version", hint: "it has v1", code: "unknown-version" }],
    });
    const { status, json } = await server.ask("POST", "/v1/rollouts", SHIFT);
    expect(status).toBe(wanted);
    expect(json).toMatchObject({
      error: { code, message: "this and that" },
      problems: [{ path: "weights.v9", message: "no such version", hint: "it has v1", code: "unknown-version" }],
    });
  },
);

test("a defect answers 500 and tells nothing of its insides; it is in the log", async () => {
  const logged: object[] = [];
  const log = { info() {}, warn() {}, error: (fields: object) => void logged.push(fields) };
  const server = await serving("127.0.0.1:0", log);
  server.controlPlane.failure = new Error("secret path /etc/x");
  const { status, text } = await server.ask("POST", "/v1/rollouts", SHIFT);
  expect(status).toBe(500);
  expect(text).not.toContain("secret");
  expect(logged).toHaveLength(1);
});

test("a mesh with problems answers 422 with their places; nothing is published", async () => {
  const server = await serving();
  const named = { source: { name: "shop.yaml", text: "bad" }, reason: "r" };
  const { status, json } = await server.ask("POST", "/v1/revisions", named);
  expect(status).toBe(422);
  expect(json["problems"]).toEqual([
    {
      path: "services[0]",
      message: "it is bad",
      hint: "make it good",
      code: "bad-value",
      file: "shop.yaml",
      line: 2,
      column: 3,
    },
  ]);
  server.controlPlane.problems = [{ path: ["gateways", 0], message: "it does not compile", code: "invalid" }];
  const compiled = await server.ask("POST", "/v1/revisions", { source: "fine", reason: "r" });
  expect([compiled.status, at(compiled.json, "problems", 0, "line")]).toEqual([422, 1]);
  expect(server.controlPlane.events).toEqual([]);
});

test("what this version cannot do is refused in words, never accepted and forgotten", async () => {
  const server = await serving();
  server.controlPlane.seed();
  server.controlPlane.ends = undefined;
  await server.ask("POST", "/v1/rollouts", SHIFT);
  const freeze = await server.ask("POST", "/v1/freezes", { scope: "all", reason: "r" });
  expect([freeze.status, at(freeze.json, "error", "code")]).toEqual([501, "not-yet"]);
  const pause = await server.ask("POST", "/v1/rollouts/ro-1/pause", { reason: "r" });
  expect([pause.status, at(pause.json, "error", "message")]).toEqual([404, expect.stringContaining("abort")]);
  const staged = { kind: "shift", service: "reviews", weights: {}, from: "v1", to: "v2", steps: "5%", reason: "r" };
  const { status, json } = await server.ask("POST", "/v1/rollouts", staged);
  expect(status).toBe(422);
  expect((json["problems"] as unknown as { code: string }[]).map(({ code }) => code)).toEqual([
    "not-yet",
    "not-yet",
    "not-yet",
  ]);
  expect((await server.ask("POST", "/v1/rollbacks", { scope: "zone=eu", reason: "r" })).status).toBe(422);
});
