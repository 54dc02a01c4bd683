import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { belay, type Ran } from "./terminal.ts";

const dir = mkdtempSync(join(tmpdir(), "belay-serve-"));
const MESH = join(dir, "mesh.yaml");

beforeAll(() => {
  const text = `services:
  - name: reviews
    owner: "@shop"
    versions: { v1: { endpoints: ["127.0.0.1:9001"] }, v2: { endpoints: ["127.0.0.1:9002"] } }
    traffic: { v1: 100% }
gateways:
  - { name: edge, nodes: { cluster: edge }, listen: "127.0.0.1:10000", hosts: [{ domains: ["*"], routes: [{ path: /, to: reviews }] }] }
`;
  writeFileSync(MESH, text);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Running {
  /** The address of its API. */
  readonly http: string;
  /** Presses Ctrl-C; resolves when it has ended. */
  stop(): Promise<Ran>;
}

function start(...flags: readonly string[]): Promise<Running> {
  return new Promise((resolve, reject) => {
    let press: () => void = () => {};
    const argv = ["serve", "--xds", "127.0.0.1:0", "--http", "127.0.0.1:0", ...flags];
    const ended = belay("", argv, {
      interrupt: (ctrlC) => (press = ctrlC),
      onStderr(text) {
        const http = /^belay is serving: xds 127\.0\.0\.1:\d+, http (\S+)/.exec(text)?.[1];
        if (http === undefined) return;
        resolve({
          http,
          stop() {
            press();
            return ended;
          },
        });
      },
    });
    ended.then((ran) => reject(new Error(`it ended with ${ran.exit}: ${ran.stderr}`)), reject);
  });
}

test("serve seeds an empty store, does the whole job, and ends with 0 at Ctrl-C; the store keeps it", async () => {
  const data = join(dir, "data");
  const first = await start("--data", data, "--mesh", MESH);
  const shift = ["shift", "reviews", "v2=5%", "--reason", "CHG-1", "--yes"];
  expect((await belay(first.http, shift)).exit).toBe(0);
  const changed = await belay(first.http, ["apply", "-f", MESH, "--reason", "same", "--yes"]);
  expect([changed.exit, changed.stdout]).toEqual([0, expect.stringContaining("nothing to do")]);
  const stopped = await first.stop();
  expect([stopped.exit, stopped.stdout]).toEqual([0, ""]);
  const again = await start("--data", data, "--mesh", MESH);
  const status = await belay(again.http, ["rollout", "get", "-o", "json"]);
  expect(status.json).toMatchObject({ id: "ro-1", state: "done", weights: { wanted: { v1: 9_500, v2: 500 } } });
  const back = await belay(again.http, ["rollback", "--reason", "INC-1", "--yes", "-o", "json"]);
  expect([back.exit, back.json["kind"]]).toEqual([0, "rollback"]);
  const nothing = await belay(again.http, ["rollback", "--to", "1", "--reason", "INC-1", "--yes"]);
  expect(nothing.exit).toBe(0);
  await again.stop();
});

test("a mesh file with problems is exit 2, FILE:LINE:COL, and nothing is started", async () => {
  const bad = join(dir, "bad.yaml");
  writeFileSync(bad, "services: 7\n");
  const { exit, stderr, stdout } = await belay("", ["serve", "--mesh", bad, "--data", join(dir, "none")]);
  expect([exit, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(new RegExp(`^${bad}:1:\\d+: `));
});

test("an address that is taken is said in a sentence, and the store is free again", async () => {
  const data = join(dir, "taken");
  const first = await start("--data", join(dir, "other"), "--mesh", MESH);
  const address = new URL(first.http).host;
  const flags = ["serve", "--data", data, "--mesh", MESH, "--xds", "127.0.0.1:0", "--http", address];
  const { exit, stderr } = await belay("", flags);
  expect([exit, stderr]).toEqual([4, expect.stringContaining(`${address} is in use`)]);
  await (await start("--data", data)).stop();
  await first.stop();
});
