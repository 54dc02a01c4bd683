import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { nodeOf } from "./fake-control-plane.ts";
import { type Serving, serving } from "./serving.ts";

const SHIFT = { kind: "shift", service: "reviews", weights: { v2: 500 }, reason: "CHG-1", by: "ana" };

async function heading(server: Serving): Promise<string> {
  return /<h1>(.*?)<\/h1>/s.exec((await server.ask("GET", "/")).text)?.[1] ?? "";
}

describe("the heading is the answer", () => {
  const scenes: readonly [what: string, arrange: (server: Serving) => unknown, answer: string][] = [
    [
      "all in sync",
      ({ controlPlane }) => controlPlane.fleet.push(nodeOf("a"), nodeOf("b")),
      "Everything is normal: all 2 Envoys have what they should",
    ],
    ["nobody there", () => {}, "No Envoy is connected"],
    [
      "refused",
      ({ controlPlane }) => controlPlane.fleet.push(nodeOf("a", { state: "REFUSED" })),
      "One Envoy refused what it was sent",
    ],
    [
      "selected by nothing",
      ({ controlPlane }) => controlPlane.fleet.push(nodeOf("a", { state: "UNMATCHED" })),
      "One Envoy gets nothing: the mesh does not select it",
    ],
    [
      "yet to acknowledge",
      ({ controlPlane }) => controlPlane.fleet.push(nodeOf("a", { state: "STALE" }), nodeOf("b")),
      "One Envoy of 2 has yet to acknowledge",
    ],
  ];
  test.each(scenes)("%s", async (_what, arrange, answer) => {
    const server = await serving();
    server.controlPlane.seed();
    arrange(server);
    expect(await heading(server)).toBe(answer);
  });

  test("moving, held, taken back", async () => {
    const server = await serving();
    server.controlPlane.seed();
    server.controlPlane.ends = undefined;
    await server.ask("POST", "/v1/rollouts", SHIFT);
    expect(await heading(server)).toBe("One change is moving: reviews to v1 95%, v2 5%, acknowledged by 0 of 1 so far");
    server.controlPlane.finish("ro-1", "held");
    expect(await heading(server)).toContain("is held and needs you");
    server.controlPlane.finish("ro-1", "rolledBack");
    server.controlPlane.fleet.push(nodeOf("a"));
    expect(await heading(server)).toBe("Reviews to v1 95%, v2 5% was taken back by itself: edge-1 refused it");
  });
});

test("it shows who changed what and why, and the exact command that goes back", async () => {
  const server = await serving();
  server.controlPlane.seed();
  await server.ask("POST", "/v1/rollouts", SHIFT);
  const { text } = await server.ask("GET", "/");
  expect(text).toContain("ana");
  expect(text).toContain("“CHG-1”");
  expect(text).toContain(`belay --server ${server.url} rollback --reason`);
  expect(text).toContain("weights of reviews: v1 95%, v2 5% -&gt; v1 100%, v2 0%");
});

test("while something moves, the command that takes it back is there", async () => {
  const server = await serving();
  server.controlPlane.seed();
  server.controlPlane.ends = undefined;
  await server.ask("POST", "/v1/rollouts", SHIFT);
  expect((await server.ask("GET", "/")).text).toContain(`belay --server ${server.url} rollout abort ro-1 --reason`);
});

test("nothing that comes from outside is markup", async () => {
  const server = await serving();
  server.controlPlane.seed();
  const attack = `"><img src=x onerror=alert(1)>'</script>\u202e`;
  const { controlPlane } = server;
  controlPlane.fleet.push(
    nodeOf(attack, {
      state: "REFUSED",
      unmatched: attack,
      types: new Map([["t", { state: "ERROR", version: "", error: attack }]]),
    }),
  );
  controlPlane.ready = { ready: true };
  await server.ask("POST", "/v1/rollouts", { ...SHIFT, reason: attack, by: attack });
  const { text } = await server.ask("GET", "/");
  expect(text).not.toContain("<img");
  expect(text).not.toContain("\u202e");
  expect(text.match(/<script>/g)).toHaveLength(1);
  expect(text).toContain("&lt;img src=x onerror=alert(1)&gt;");
});

test("its policy lets run what is in it, and nothing else", async () => {
  const server = await serving();
  const { text, headers } = await server.ask("GET", "/");
  const policy = String(headers["content-security-policy"]);
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("unsafe");
  for (const tag of ["style", "script"]) {
    const content = new RegExp(`<${tag}>(.*?)</${tag}>`, "s").exec(text)?.[1] ?? "";
    const hash = createHash("sha256").update(content).digest("base64");
    expect(policy).toContain(`${tag}-src 'sha256-${hash}'`);
  }
  expect(text).not.toMatch(/ (style|on\w+)=/);
});
