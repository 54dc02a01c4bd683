import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";

const EXAMPLE = join(import.meta.dirname, "..", "..", "examples", "grpc-service");

let running: ChildProcess[];

beforeEach(() => {
  running = [];
});
afterEach(async () => {
  for (const child of running) {
    const gone = child.exitCode === null ? once(child, "exit") : undefined;
    child.kill("SIGKILL");
    await gone;
  }
});

type Lines = AsyncIterator<string, undefined>;

/** A program of the example: its lines as they come. */
function start(program: string, address: string, env: NodeJS.ProcessEnv = {}): Lines {
  const args = [join(EXAMPLE, program), address];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  running.push(child);
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
}

/** All that the server of the example says with a client beside it, until it is done; it then ends when it is asked to. */
async function runExample(env: NodeJS.ProcessEnv): Promise<{ said: string[]; client: Lines }> {
  const lines = start("server.mjs", "127.0.0.1:0", { CALLS_A_STEP: "5", ...env });
  const port = /on port (\d+)$/.exec(String((await lines.next()).value))?.[1];
  const client = start("client.mjs", `127.0.0.1:${port}`);
  const said: string[] = [];
  for (let line = ""; line !== "done"; ) {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`the server ended after ${said.join("; ")}`);
    line = value;
    said.push(line);
  }
  return { said, client };
}

test("a new version gets all calls of a gRPC client, step by step", async () => {
  const { said, client } = await runExample({});
  const steps = said.filter((line) => line.startsWith("v2 gets"));
  expect(steps).toEqual(
    [5, 25, 50, 100].map((percent) => `v2 gets ${percent} %: acked by 1, refused by 0, pending at 0`),
  );
  for (const line of said.filter((one) => one.includes("calls to v2")))
    expect(line).toMatch(/^\d+ calls to v2, 0 failed$/);
  await expect.poll(async () => (await client.next()).value, { timeout: 30_000 }).toMatch(/^v2: \d+$/);
  const [server] = running;
  server?.kill("SIGTERM");
  expect(await once(server as ChildProcess, "exit")).toEqual([0, null]);
});

test("a new version that fails is taken back after its first step", async () => {
  const { said, client } = await runExample({ CANARY_FAILS: "1" });
  expect(said).toEqual([
    "v2 gets 5 %: acked by 1, refused by 0, pending at 0",
    expect.stringMatching(/^(\d+) calls to v2, \1 failed$/),
    "v2 gets 0 %: acked by 1, refused by 0, pending at 0",
    "done",
  ]);
  await expect.poll(async () => (await client.next()).value, { timeout: 30_000 }).toMatch(/^v1: \d+$/);
});
