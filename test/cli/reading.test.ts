import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { snapshotOf } from "../../src/core/snapshot/snapshot.ts";
import { nodeOf } from "../http/fake-control-plane.ts";
import { type Serving, serving } from "../http/serving.ts";
import { belay } from "./terminal.ts";

async function seeded(): Promise<Serving> {
  const server = await serving();
  server.controlPlane.seed(undefined, "# as written\nservices: []\n");
  const shift = { kind: "shift", service: "reviews", weights: { v2: 500 }, reason: "CHG-1", by: "ana" };
  await server.ask("POST", "/v1/rollouts", shift);
  return server;
}

test("fleet says how many have what they should, then who has what", async () => {
  const server = await seeded();
  const view = { snapshot: snapshotOf([], () => "0".repeat(64)), revision: 2, group: "edge" };
  server.controlPlane.fleet.push(
    nodeOf("b", { wanted: view, acked: { ...view, revision: 1 }, state: "STALE" }),
    nodeOf("a", { wanted: view, acked: view }),
    nodeOf("c", {
      state: "REFUSED",
      types: new Map([["t", { state: "ERROR", version: "", error: "no\nsuch thing" }]]),
    }),
  );
  const { exit, stdout } = await belay(server.url, ["fleet"]);
  expect(exit).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toBe("1 of 3 connected Envoys have what they should.");
  expect(lines.slice(3).map((line) => line.slice(0, 1))).toEqual(["a", "b", "c"]);
  expect(lines[5]).toContain("refused");
  expect(lines[5]).toContain("no such thing");
  const behind = await belay(server.url, ["fleet", "--not-on", "2", "-o", "json"]);
  expect((behind.json["items"] as { id: string }[]).map(({ id }) => id)).toEqual(["b", "c"]);
  const refused = await belay(server.url, ["fleet", "--refused"]);
  expect(refused.stdout).toContain("1 of 3 Envoys refused what they were sent.");
});

test("a fleet of more than a page is shown whole", async () => {
  const server = await seeded();
  for (let count = 0; count < 1_500; count++) server.controlPlane.fleet.push(nodeOf(`edge-${count}`));
  const { json } = await belay(server.url, ["fleet", "-o", "json"]);
  expect(new Set((json["items"] as { id: string }[]).map(({ id }) => id)).size).toBe(1_500);
});

test("names and errors from outside cannot drive the terminal", async () => {
  const server = await seeded();
  const attack = "\u001b[2J\u001b]0;x\u0007\u202eevil";
  server.controlPlane.fleet.push(nodeOf(attack, { state: "UNMATCHED", unmatched: attack }));
  await server.ask("POST", "/v1/rollouts", { kind: "config", revision: 1, reason: attack, by: attack });
  for (const argv of [
    ["fleet"],
    ["rollout", "list"],
    ["rollout", "get"],
    ["revision", "list"],
    ["journal", "tail"],
    ["node", "get", attack],
  ]) {
    const { exit, stdout, stderr } = await belay(server.url, argv);
    expect([argv, exit]).toEqual([argv, 0]);
    // eslint-disable-next-line no-control-regex
    expect(stdout + stderr).not.toMatch(/[\u001b\u0007\u202e]/u);
  }
});

test("rollout get shows where it is, what happens next, what can be done, and its story newest first", async () => {
  const server = await seeded();
  const { exit, stdout } = await belay(server.url, ["rollout", "get", "ro-1"]);
  expect(exit).toBe(0);
  expect(stdout).toContain("ro-1  shift  reviews to v1 95%, v2 5%  done, stage 2 of 2");
  expect(stdout).toContain("weights  wanted v1 95%, v2 5%   acknowledged by all v1 95%, v2 5%");
  expect(stdout).toContain('by ana: "CHG-1"');
  expect(stdout.indexOf("all acked")).toBeLessThan(stdout.lastIndexOf("started"));
});

test("rollout watch and wait follow it and exit by its outcome", async () => {
  const server = await seeded();
  server.controlPlane.ends = undefined;
  await server.ask("POST", "/v1/rollouts", { kind: "config", revision: 1, reason: "r" });
  const late = await belay(server.url, ["wait", "ro-2", "--timeout", "100ms"]);
  expect(late.exit).toBe(3);
  const watching = belay(server.url, ["rollout", "watch"]);
  server.controlPlane.finish("ro-2", "rolledBack");
  expect((await watching).exit).toBe(1);
  expect((await belay(server.url, ["wait", "ro-1", "--for", "done"])).exit).toBe(0);
});

test("revisions are listed, shown, compared and exported as they were written", async () => {
  const server = await seeded();
  await server.ask("POST", "/v1/revisions", { source: "services: []", reason: "second" });
  const list = await belay(server.url, ["revision", "list"]);
  expect(list.stdout.split("\n").map((line) => line.slice(0, 1))).toEqual(["N", "2", "1", ""]);
  expect((await belay(server.url, ["revision", "get", "1"])).stdout).toContain(
    "holds 1 service, 1 gateway; from mesh.yaml",
  );
  expect((await belay(server.url, ["revision", "diff", "1", "2"])).stdout).toBe("Revisions 1 and 2 are the same.\n");
  expect((await belay(server.url, ["revision", "diff", "r1"])).exit).toBe(0);
  expect((await belay(server.url, ["revision", "export", "1"])).stdout).toBe("# as written\nservices: []\n");
  const none = await belay(server.url, ["revision", "export", "9"]);
  expect([none.exit, none.stderr]).toEqual([2, expect.stringContaining("there is no revision")]);
});

test("the journal is shown oldest first, with who and why; search finds all words", async () => {
  const server = await seeded();
  const tail = await belay(server.url, ["journal", "tail", "-n", "2"]);
  expect(tail.stdout.split("\n")).toEqual([
    '2026-01-02 03:04:05  ana    ro-1 (shift) started  "CHG-1"',
    "2026-01-02 03:04:05  belay  ro-1 ended done: all acked",
    "",
  ]);
  const found = await belay(server.url, ["journal", "search", "chg-1", "shift", "-o", "json"]);
  expect((found.json["items"] as { type: string }[]).map(({ type }) => type)).toEqual(["rollout.started"]);
  expect((await belay(server.url, ["journal", "search", "nothing-like-it"])).stdout).toContain(
    "Nothing in the journal",
  );
});

test("journal tail --follow goes on until Ctrl-C", async () => {
  const server = await seeded();
  let press: () => void = () => {};
  const running = belay(server.url, ["journal", "tail", "--follow", "-n", "0"], {
    interrupt: (ctrlC) => (press = ctrlC),
  });
  const stop = setInterval(() => {
    if (server.controlPlane.events.length === 3)
      server.controlPlane.append({ type: "nack.repaired", node: "edge-1", typeUrl: "t" });
    else press();
  }, 700);
  const { exit, stdout } = await running;
  clearInterval(stop);
  expect([exit, stdout]).toEqual([0, expect.stringContaining("edge-1 took its t again")]);
});

test("a node's configuration is YAML with a word on each resource; --type narrows it", async () => {
  const server = await seeded();
  const typeUrl = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
  const bytes = new TextEncoder().encode('{"name":"a"}');
  const snapshot = snapshotOf([{ typeUrl, name: "a", version: "1", bytes, refs: [] }], () => "0".repeat(64));
  server.controlPlane.fleet.push(nodeOf("edge-1", { wanted: { snapshot, revision: 1, group: "edge" } }));
  const { exit, stdout } = await belay(server.url, ["node", "config", "edge-1", "--type", "clusters"]);
  expect([exit, stdout]).toEqual([0, '# clusters a: not acknowledged\nname: a\ninline_string: "[redacted]"\n']);
  expect((await belay(server.url, ["node", "config", "edge-1", "--type", "odd"])).stderr).toContain("it has clusters");
  expect((await belay(server.url, ["node", "get", "edge-9"])).exit).toBe(2);
});

test("doctor is exit 0 where all is sound, and 1 where something is not", async () => {
  const server = await seeded();
  expect((await belay(server.url, ["doctor"])).exit).toBe(0);
  server.controlPlane.ready = { ready: false, why: "belay.db cannot be read" };
  const { exit, stdout } = await belay(server.url, ["doctor"]);
  expect([exit, stdout]).toEqual([1, expect.stringContaining("WRONG  ready: belay.db cannot be read")]);
});

test.each([
  [100, 0, "ok     certificate: that of xDS runs out in 99 days"],
  [6, 1, "WRONG  certificate: that of xDS runs out in 5 days"],
  [-1, 1, "WRONG  certificate: it ran out at"],
])("doctor looks at the certificate of xDS: %i days left", async (days, exit, line) => {
  const ends = Date.now() + days * 86_400_000;
  const server = await serving("127.0.0.1:0", undefined, undefined, { xdsCertificateEnds: () => ends });
  server.controlPlane.seed(undefined, "services: []\n");
  const ran = await belay(server.url, ["doctor"]);
  expect([ran.exit, ran.stdout]).toEqual([exit, expect.stringContaining(line)]);
});

test("colour only at a terminal, and not with NO_COLOR", async () => {
  const server = await seeded();
  const shown = async (isTTY: boolean, env: Record<string, string>) =>
    (await belay(server.url, ["rollout", "get"], { isTTY, env })).stdout;
  expect(await shown(true, {})).toContain("\u001b[32mdone");
  expect(await shown(true, { NO_COLOR: "1" })).not.toContain("\u001b");
  expect(await shown(false, {})).not.toContain("\u001b");
});

test("the server may be a socket file, and --server wins over BELAY_SERVER", async () => {
  const dir = mkdtempSync(join(tmpdir(), "belay-cli-"));
  const server = await serving(`unix:${join(dir, "s.sock")}`);
  server.controlPlane.seed();
  const { exit } = await belay("http://127.0.0.1:1", ["fleet", "--server", server.url]);
  expect(exit).toBe(0);
  await server.close();
  const gone = await belay(server.url, ["fleet"]);
  expect([gone.exit, gone.stderr]).toEqual([5, expect.stringContaining("there is no such socket")]);
  rmSync(dir, { recursive: true });
});

test("what answers and is not Belay is exit 5, in a sentence", async () => {
  const other = createServer((_request, response) => response.end("<html>"));
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { exit, stderr } = await belay(`http://127.0.0.1:${(other.address() as AddressInfo).port}`, ["fleet"]);
  expect([exit, stderr]).toEqual([5, expect.stringContaining("is not Belay")]);
  other.close();
});
