import { get, type IncomingMessage } from "node:http";
import { expect, test, vi } from "vitest";
import { type Json, serving } from "./serving.ts";

interface Stream {
  /** Resolves once a line has come. */
  line(text: string): Promise<unknown>;
  readonly response: IncomingMessage;
  /** Resolves once so many events have come. */
  events(count: number): Promise<Json[]>;
}

function open(url: string, path: string, headers: Record<string, string> = {}): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    get({ hostname, port, path, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("error", () => {});
      const parsed = (): Json[] =>
        text
          .split("\n\n")
          .slice(0, -1)
          .flatMap((block) => {
            const data = /^data: (.*)$/m.exec(block)?.[1];
            return data === undefined ? [] : [JSON.parse(data) as Json];
          });
      const events = (count: number) =>
        vi.waitUntil(() => (parsed().length >= count ? parsed() : undefined), { timeout: 5_000, interval: 5 });
      const line = (wanted: string) => vi.waitUntil(() => text.split("\n").includes(wanted), { timeout: 5_000 });
      resolve({ response, events, line });
    }).on("error", reject);
  });
}

test("events come as they happen, each with its sequence number", async () => {
  const server = await serving();
  server.controlPlane.seed();
  const stream = await open(server.url, "/v1/watch?after=0");
  expect(stream.response.headers["content-type"]).toBe("text/event-stream");
  expect(await stream.events(1)).toMatchObject([{ seq: 1, type: "revision.published" }]);
  await server.ask("POST", "/v1/rollouts", { kind: "shift", service: "reviews", weights: { v2: 1 }, reason: "r" });
  const all = await stream.events(3);
  expect(all.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  stream.response.destroy();
});

test("without a place it begins now; Last-Event-ID goes on where a reader was", async () => {
  const server = await serving();
  server.controlPlane.seed();
  const fresh = await open(server.url, "/v1/watch");
  const resumed = await open(server.url, "/v1/watch?after=0", { "last-event-id": "1" });
  server.controlPlane.append({ type: "nack.repaired", node: "a", typeUrl: "t" });
  expect((await fresh.events(1)).map(({ seq }) => seq)).toEqual([2]);
  expect((await resumed.events(1)).map(({ seq }) => seq)).toEqual([2]);
  fresh.response.destroy();
  resumed.response.destroy();
});

test("a thousand events before the reader came all arrive, in order", async () => {
  const server = await serving();
  for (let count = 0; count < 1_000; count++)
    server.controlPlane.append({ type: "nack.repaired", node: "a", typeUrl: "t" });
  const stream = await open(server.url, "/v1/watch?after=0");
  const seqs = (await stream.events(1_000)).map(({ seq }) => seq);
  expect(seqs).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1));
  stream.response.destroy();
});

test("a quiet stream says every 15 s that it is alive", async () => {
  vi.useFakeTimers({ toFake: ["setInterval"] });
  const server = await serving();
  const stream = await open(server.url, "/v1/watch");
  await stream.line(": belay");
  vi.advanceTimersByTime(15_000);
  vi.useRealTimers();
  await stream.line(": alive");
  stream.response.destroy();
});

test("a reader that goes away is forgotten", async () => {
  const server = await serving();
  const stream = await open(server.url, "/v1/watch");
  await vi.waitUntil(() => server.controlPlane.listeners.size === 1);
  stream.response.destroy();
  await vi.waitUntil(() => server.controlPlane.listeners.size === 0, { timeout: 5_000 });
});

test("closing the server ends streams at once, and in good order", async () => {
  const server = await serving();
  const stream = await open(server.url, "/v1/watch");
  const ended = new Promise<boolean>((resolve) => stream.response.on("close", () => resolve(stream.response.complete)));
  const before = Date.now();
  await server.close();
  expect(await ended).toBe(true);
  expect(Date.now() - before).toBeLessThan(900);
  expect(server.controlPlane.listeners.size).toBe(0);
});
