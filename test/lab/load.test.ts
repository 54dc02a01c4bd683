import { performance } from "node:perf_hooks";
import { afterEach, describe, expect, test } from "vitest";
import { burst, startLoad } from "../../src/lab/load.ts";
import { shareOf } from "../../src/lab/tally.ts";
import { http2Target, type Target } from "../../src/lab/target.ts";
import { startUpstream, type Upstream, type UpstreamOptions } from "../../src/lab/upstream.ts";

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function upstreamWithTarget(options: Partial<UpstreamOptions> = {}) {
  const upstream = await startUpstream({ version: "v1", ...options });
  const target = http2Target("direct", `http://${upstream.address}`, 2);
  closers.push(
    () => upstream.close(),
    () => target.close(),
  );
  return { upstream, target };
}

/** A target that never answers by itself. */
function silent(): Target & { readonly asked: number[]; answerAll(): void } {
  const asked: number[] = [];
  const waiting: (() => void)[] = [];
  return {
    name: "silent",
    asked,
    request: () =>
      new Promise((resolve) => {
        asked.push(performance.now());
        waiting.push(() => resolve({ status: 200, servedBy: "v1" }));
      }),
    answerAll: () => {
      for (const answer of waiting.splice(0)) answer();
    },
    close: () => {},
  };
}

describe("steady load", () => {
  test("is sent at even distances, whether or not it is answered", async () => {
    const target = silent();
    const load = startLoad({ targets: [target], path: "/", rate: 200 });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const stopped = load.stop();
    expect(target.asked.length).toBeGreaterThan(180);
    expect(target.asked.length).toBeLessThanOrEqual(202);
    expect(load.total.counts().answered).toBe(0);
    target.answerAll();
    expect((await stopped).answered).toBe(target.asked.length);
  });

  test("a span counts the requests that were sent while it was open, wherever they end", async () => {
    const target = silent();
    const load = startLoad({ targets: [target], path: "/", rate: 500 });
    const first = load.open();
    await expect.poll(() => first.counts().sent).toBeGreaterThan(5);
    const second = load.open();
    const closed = first.close();
    const { sent } = first.counts();
    await expect.poll(() => second.counts().sent).toBeGreaterThan(5);
    const stopped = load.stop();
    target.answerAll();
    expect((await closed).answered).toBe(sent);
    const all = await stopped;
    expect(all.sent).toBe(sent + (await second.close()).sent);
  });

  test("a failure is a status that is not 2xx, a lost connection or a time-out, and the first is kept", async () => {
    const { upstream, target } = await upstreamWithTarget({ failureRate: 0.25 });
    const some = await burst(100, { targets: [target], path: "/" });
    expect(some.counts()).toMatchObject({ sent: 100, answered: 100, failed: 25 });
    expect(some.counts().firstFailure).toEqual({ target: "direct", cause: "503 from v1" });
    const slow = await burst(5, { targets: [target], path: "/", timeoutMs: 30, headers: { "x-delay-ms": "5000" } });
    expect(slow.counts()).toMatchObject({ failed: 5, firstFailure: { cause: "no answer within 30 ms" } });
    await upstream.close();
    const lost = await burst(5, { targets: [target], path: "/" });
    expect(lost.counts()).toMatchObject({ answered: 0, failed: 5 });
    expect(lost.counts().firstFailure?.cause).toMatch(/ECONN|connection/);
  });

  test("says who answered what share, and how long it took", async () => {
    const { target } = await upstreamWithTarget({ delayMs: 20 });
    const other = await upstreamWithTarget({ version: "v2" });
    const tally = await burst(40, { targets: [target, target, target, other.target], path: "/" });
    expect(shareOf(tally.counts(), "v2")).toBe(0.25);
    expect(tally.latency().maxMs).toBeGreaterThanOrEqual(19);
  });
});

describe("a target", () => {
  test("opens a new connection after the server has ended the old one", async () => {
    const { upstream, target } = await upstreamWithTarget();
    await burst(4, { targets: [target], path: "/" });
    const { port } = upstream;
    await upstream.close();
    await burst(2, { targets: [target], path: "/" });
    const again: Upstream = await startUpstream({ version: "v1", port });
    closers.push(() => again.close());
    const tally = await burst(4, { targets: [target], path: "/" });
    expect(tally.counts()).toMatchObject({ answered: 4, failed: 0 });
    expect(again.counters()).toEqual({ requests: 4, connections: 2, open: 2 });
  });
});
