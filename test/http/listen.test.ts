import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { serving } from "./serving.ts";

const dir = mkdtempSync(join(tmpdir(), "belay-http-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("a socket file serves the same, for its owner alone, and is gone afterwards", async () => {
  const path = join(dir, "a.sock");
  const server = await serving(`unix:${path}`);
  expect(server.url).toBe(`unix:${path}`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect((await server.ask("GET", "/v1/status")).status).toBe(200);
  await server.close();
  expect(() => statSync(path)).toThrow();
});

test("a socket file that nobody listens on any more is replaced; one that answers is not", async () => {
  const path = join(dir, "b.sock");
  // A process that was killed leaves its file behind.
  const listen = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", listen]);
  expect(statSync(path).isSocket()).toBe(true);
  const first = await serving(`unix:${path}`);
  await expect(serving(`unix:${path}`)).rejects.toMatchObject({ code: "conflict" });
  expect((await first.ask("GET", "/healthz")).status).toBe(200);
});

test("a port that is taken is a conflict in a sentence", async () => {
  const first = await serving();
  const address = new URL(first.url).host;
  await expect(serving(address)).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining(`${address} is in use`),
  });
});

test.each(["7070", "localhost", "127.0.0.1:99999", "a b:1", "unix:", "http://127.0.0.1:1", ""])(
  "%j is no address",
  async (address) => {
    await expect(serving(address)).rejects.toMatchObject({ code: "invalid" });
  },
);

test("a file that is no socket is left as it is", async () => {
  const path = join(dir, "notes.txt");
  writeFileSync(path, "mine");
  await expect(serving(`unix:${path}`)).rejects.toMatchObject({ name: "ControlError" });
  expect(statSync(path).size).toBe(4);
});
