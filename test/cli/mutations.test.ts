import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ControlError, type ControlErrorCode } from "../../src/core/failure/control-error.ts";
import { type Serving, serving } from "../http/serving.ts";
import { belay } from "./terminal.ts";

const dir = mkdtempSync(join(tmpdir(), "belay-cli-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const MESH = join(dir, "mesh.yaml");
writeFileSync(
  MESH,
  `services:
  - name: reviews
    owner: "@shop"
    versions:
      v1: { endpoints: ["127.0.0.1:9001"] }
    traffic: { v1: 100% }
gateways:
  - name: edge
    nodes: { cluster: edge }
    listen: 127.0.0.1:10000
    hosts:
      - domains: ["*"]
        routes: [{ path: /, to: reviews }]
`,
);

async function seeded(): Promise<Serving> {
  const server = await serving();
  server.controlPlane.seed();
  return server;
}

const MUTATIONS: readonly (readonly string[])[] = [
  ["apply", "-f", MESH],
  ["shift", "reviews", "v2=5%"],
  ["rollback"],
  ["rollout", "abort"],
];

describe.each(MUTATIONS)("%s", (...command) => {
  test("wants a reason, before the server is asked", async () => {
    const { exit, stderr } = await belay("http://127.0.0.1:1", [...command, "--yes"]);
    expect([exit, stderr]).toEqual([2, expect.stringContaining("--reason")]);
    expect((await belay("http://127.0.0.1:1", [...command, "--yes", "--reason", "  "])).exit).toBe(2);
  });

  test("wants --yes where nobody can be asked, before the server is asked", async () => {
    const { exit, stderr } = await belay("http://127.0.0.1:1", [...command, "--reason", "r"]);
    expect([exit, stderr]).toEqual([2, expect.stringContaining("--yes")]);
  });

  test("says that the control plane cannot be reached: exit 5, the address, what to check", async () => {
    const { exit, stderr } = await belay("http://127.0.0.1:1", [...command, "--reason", "r", "--yes"]);
    expect(exit).toBe(5);
    expect(stderr).toContain("http://127.0.0.1:1");
    expect(stderr).toContain("nothing listens there");
    expect(stderr).toContain("--server");
  });
});

test("the effect is printed before anything is done, on standard error, and the result on standard output", async () => {
  const server = await seeded();
  const { exit, stdout, stderr } = await belay(server.url, ["shift", "reviews", "v2=5%", "--reason", "CHG-1", "--yes"]);
  expect(exit).toBe(0);
  expect(stderr.indexOf("moves reviews")).toBe(0);
  expect(stderr).toContain("03:04:05  all acked");
  expect(stdout).toBe("ro-1 done: reviews to v1 95%, v2 5% on 1 of 1 hosts.\n");
  expect(server.controlPlane.asked.map(({ by, reason, dryRun }) => [by, reason, dryRun])).toEqual([
    ["ana@desk", "CHG-1", true],
    ["ana@desk", "CHG-1", undefined],
  ]);
});

test("at a terminal it asks; anything but yes changes nothing", async () => {
  const server = await seeded();
  const shift = ["shift", "reviews", "v2=5%", "--reason", "r"];
  for (const answer of ["n", "", "nope"]) {
    const { exit, stderr } = await belay(server.url, shift, { isTTY: true, answers: [answer] });
    expect([exit, stderr]).toEqual([2, expect.stringContaining("Nothing was changed.")]);
  }
  expect(server.controlPlane.events).toHaveLength(1);
  expect((await belay(server.url, shift, { isTTY: true, answers: ["y"] })).exit).toBe(0);
});

test("--dry-run prints the effect as the result, needs neither reason nor yes, and changes nothing", async () => {
  const server = await seeded();
  const { exit, stdout, stderr } = await belay(server.url, ["shift", "reviews", "v2=5%", "--dry-run"]);
  expect([exit, stdout, stderr]).toEqual([0, "moves reviews\n", ""]);
  const { json } = await belay(server.url, ["shift", "reviews", "v2=5%", "--dry-run", "-o", "json"]);
  expect(json).toMatchObject({ summary: ["moves reviews"], rollout: { state: "planned" } });
  expect(server.controlPlane.events).toHaveLength(1);
});

describe("exit codes", () => {
  const shift = ["shift", "reviews", "v2=5%", "--reason", "r", "--yes"];

  test("1 where it was rolled back, with Envoy's words on standard error", async () => {
    const server = await seeded();
    server.controlPlane.ends = "rolledBack";
    const { exit, stdout, stderr } = await belay(server.url, shift);
    expect(exit).toBe(1);
    expect(stderr).toContain(
      "03:04:05  edge-1 refused Cluster: Envoy says no\n03:04:05  taken back: edge-1 refused Cluster\n",
    );
    expect(stdout).toContain("ro-1 rolled back: reviews to v1 95%, v2 5%; edge-1 refused it.");
  });

  test("3 where it is held, with what can be done", async () => {
    const server = await seeded();
    server.controlPlane.ends = "held";
    const { exit, stdout } = await belay(server.url, shift);
    expect([exit, stdout]).toEqual([3, expect.stringContaining("belay rollout abort ro-1")]);
  });

  test("4 where something else moves; it is named", async () => {
    const server = await seeded();
    server.controlPlane.ends = undefined;
    await belay(server.url, [...shift, "--no-wait"]);
    const { exit, stderr } = await belay(server.url, shift);
    expect([exit, stderr]).toEqual([4, "ro-1 is moving\n"]);
  });

  test("4 where there is nothing to go back to, 0 where it is in force already", async () => {
    const server = await seeded();
    const back = await belay(server.url, ["rollback", "--reason", "r", "--yes"]);
    expect([back.exit, back.stderr]).toEqual([4, "there is no earlier state to go back to\n"]);
    await belay(server.url, shift);
    const there = await belay(server.url, ["rollback", "--to", "1", "--reason", "r", "--yes"]);
    expect([there.exit, there.stdout]).toEqual([0, "it is in force already\n"]);
  });

  const codes: readonly [ControlErrorCode, number][] = [
    ["invalid", 2],
    ["not-found", 2],
    ["conflict", 4],
    ["nothing-to-do-back", 4],
    ["stale", 4],
    ["not-ready", 5],
    ["store-failed", 1],
    ["internal", 1],
  ];
  test.each(codes)("%s is exit %i", async (code, wanted) => {
    const server = await seeded();
    server.controlPlane.failure = new ControlError(code, "in a sentence");
    const { exit, stderr } = await belay(server.url, shift);
    expect([exit, stderr]).toEqual([wanted, "in a sentence\n"]);
    const json = await belay(server.url, [...shift, "-o", "json"]);
    expect(json.json).toEqual({ error: { code, message: "in a sentence" } });
  });
});

test("--no-wait returns once it is accepted", async () => {
  const server = await seeded();
  server.controlPlane.ends = undefined;
  const { exit, stdout } = await belay(server.url, [
    "shift",
    "reviews",
    "v2=5%",
    "--reason",
    "r",
    "--yes",
    "--no-wait",
  ]);
  expect([exit, stdout]).toEqual([0, "ro-1 is under way. Follow it: belay rollout watch ro-1\n"]);
});

test("Ctrl-C stops only the following", async () => {
  const server = await seeded();
  server.controlPlane.ends = undefined;
  const { exit, stderr } = await belay(server.url, ["shift", "reviews", "v2=5%", "--reason", "r", "--yes"], {
    interrupt: (press) => setImmediate(press),
  });
  expect([exit, stderr]).toEqual([
    0,
    expect.stringContaining("ro-1 goes on without you. Follow it again: belay rollout watch ro-1"),
  ]);
  expect(server.controlPlane.active).toBe("ro-1");
});

test("following outlives a control plane that restarts", async () => {
  const server = await seeded();
  server.controlPlane.ends = undefined;
  const address = new URL(server.url).host;
  let isBack: Promise<unknown> = Promise.resolve();
  const { exit, stderr } = await belay(server.url, ["shift", "reviews", "v2=5%", "--reason", "r", "--yes"], {
    onStderr(text) {
      if (text.includes("  started")) void server.close();
      if (!text.includes("does not answer")) return;
      isBack = serving(address).then(({ controlPlane }) => {
        for (const [id, rollout] of server.controlPlane.rollouts) controlPlane.rollouts.set(id, rollout);
        controlPlane.finish("ro-1", "done");
      });
    },
  });
  await isBack;
  expect(stderr).toContain("Envoys keep what they have");
  expect(exit).toBe(0);
});

test("rollout abort takes back what moves, in the version that was seen", async () => {
  const server = await seeded();
  server.controlPlane.ends = undefined;
  await belay(server.url, ["shift", "reviews", "v2=5%", "--reason", "r", "--yes", "--no-wait"]);
  const { exit, stdout } = await belay(server.url, ["rollout", "abort", "--reason", "INC-7", "--yes"]);
  expect([exit, stdout]).toEqual([0, expect.stringContaining("ro-1 aborted")]);
  const nothing = await belay(server.url, ["rollout", "abort", "--reason", "r", "--yes"]);
  expect([nothing.exit, nothing.stderr]).toEqual([4, expect.stringContaining("nothing is moving")]);
});

test("apply publishes the text as it was written, under the name of its file", async () => {
  const server = await seeded();
  const { exit, stdout } = await belay(server.url, ["apply", "-f", MESH, "--reason", "r", "--yes"]);
  expect([exit, stdout]).toEqual([0, "ro-1 done: revision 2 on 1 of 1 hosts.\n"]);
  const exported = await belay(server.url, ["revision", "export", "2"]);
  expect(exported.stdout).toContain('owner: "@shop"');
});

test("-f - reads standard input, where nobody can be asked", async () => {
  const server = await seeded();
  const apply = ["apply", "-f", "-", "--reason", "r"];
  const asked = await belay(server.url, apply, { isTTY: true, stdin: "services: []" });
  expect([asked.exit, asked.stderr]).toEqual([2, expect.stringContaining("--yes")]);
  const bad = await belay(server.url, [...apply, "--yes"], { stdin: "services: 7\n" });
  expect([bad.exit, bad.stderr]).toEqual([2, expect.stringMatching(/^stdin:1:\d+: /)]);
});

test("-o json prints exactly the API's object, before or after the command", async () => {
  const server = await seeded();
  const applied = await belay(server.url, ["-o", "json", "apply", "-f", MESH, "--reason", "r", "--yes"]);
  expect(applied.json).toMatchObject({ revision: { n: 2 }, rollout: { id: "ro-1", state: "done" } });
  const shifted = await belay(server.url, ["shift", "reviews", "v2=5%", "--reason", "r", "--yes", "-o", "json"]);
  expect(shifted.json).toMatchObject({ id: "ro-2", kind: "shift", state: "done", by: "ana@desk" });
  const { json } = await server.ask("GET", "/v1/rollouts/ro-2");
  expect(shifted.json).toEqual(json);
});

test("rollback passes on what it was told", async () => {
  const server = await seeded();
  await belay(server.url, ["shift", "reviews", "v2=5%", "--reason", "r", "--yes"]);
  const { exit } = await belay(server.url, [
    "rollback",
    "--last-known-good",
    "--now",
    "--keep-weights",
    "--no-freeze",
    "--reason",
    "r",
    "--yes",
  ]);
  expect(exit).toBe(0);
  expect(server.controlPlane.asked.at(-1)).toMatchObject({ to: "last-known-good", now: true, keepWeights: true });
});
