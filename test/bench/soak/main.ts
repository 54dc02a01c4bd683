import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { differences, type Findings, type Trend, trendOf, verdict } from "./judge.ts";
import type { ClientOrder, Content, Counts, Done, Loyalty, Sample, ServerOrder } from "./messages.ts";

// `node main.js --minutes N --seed S`: a churn soak of the library; exit code 1 where it finds what must not be.

const MINUTE_MS = 60_000;
const SAMPLES = 40;
const CHANGES_PER_SECOND = 10;
const PASSERS_PER_SECOND = 10;
/** How long the last changes, and what the last clients leave behind, may take. */
const SETTLE_MS = 30_000;
const LOOK_MS = 250;
/** What is kept for a while after the last client has gone is let go by then; a busy machine is looked at again. */
const FORGET_MS = 6_000;
const LOOKS = 3;
/** A run of N minutes takes about this much of them to begin and to end. */
const AROUND_MS = 16_000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    seed: { type: "string", default: String(Date.now() % 1e6) },
    /** A file for a snapshot of the server's heap after the last client. */
    heap: { type: "string" },
  },
});
const minutes = Number(values.minutes);
if (!(minutes > 0.5)) throw new Error(`--minutes is a number of minutes, more than half of one, not ${values.minutes}`);

/** A process of the soak: one order at a time, one answer each. */
class Worker<Order extends { readonly do: string }> {
  readonly #child: ChildProcess;

  constructor(file: string, flags: readonly string[] = []) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const env = { ...process.env, SOAK_SEED: values.seed };
    this.#child = fork(path, { execArgv: [...flags], env, stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.once("exit", (code, signal) => {
      if (this.#isStopped) return;
      process.stdout.write(`FAILED  the process of ${file} ended by itself (${code ?? signal}); seed ${values.seed}\n`);
      process.exit(1);
    });
  }

  #isStopped = false;

  heard<Value>(to: string): Promise<Value> {
    return new Promise((resolve) => {
      const listen = (message: { readonly to: string; readonly value: Value }): void => {
        if (message.to !== to) return;
        this.#child.off("message", listen as never);
        resolve(message.value);
      };
      this.#child.on("message", listen as never);
    });
  }

  tell<Value>(order: Order): Promise<Value> {
    const answer = this.heard<Value>(order.do);
    this.#child.send(order);
    return answer;
  }

  /** Ends it as a machine that loses its power ends: nothing is said to anybody. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await exited;
  }
}

const began = performance.now();
const server = new Worker<ServerOrder>("./server.js", ["--expose-gc"]);
const port = await server.heard<number>("listen");
const before = await server.tell<Counts>({ do: "left" });
const [staying, passing] = [new Worker<ClientOrder>("./client.js"), new Worker<ClientOrder>("./client.js")];
await staying.tell({ do: "loyal", port });
await server.tell({ do: "change", perSecond: CHANGES_PER_SECOND });
await passing.tell({ do: "churn", port, perSecond: PASSERS_PER_SECOND });

const samples = await watch(minutes * MINUTE_MS - AROUND_MS);
const passed = await passing.tell<number>({ do: "rest" });
const done = await server.tell<Done>({ do: "rest" });
const wanted = await server.tell<Readonly<Record<string, Content>>>({ do: "content" });
const loyalty = await settled(
  () => staying.tell<Loyalty>({ do: "held" }),
  ({ held }) => held.every((one) => differences(one, wanted[one.group] ?? {}).length === 0),
);
await Promise.all([staying.stop(), passing.stop()]);
await settled(
  () => server.tell<Counts>({ do: "open" }),
  (counts) => Object.values(counts).every((count) => count === 0),
);
let after = before;
for (let looks = 0; looks < LOOKS; looks += 1) {
  await pause(FORGET_MS);
  after = await server.tell<Counts>({ do: "left" });
  if (Object.entries(after).every(([name, count]) => count <= (before[name] ?? 0))) break;
}
const end = await server.tell<Sample>({ do: "sample" });
if (values.heap !== undefined) await server.tell({ do: "heap", file: values.heap });
await server.stop();
process.exitCode = report({ samples, before, after, loyalty, wanted });

/** Samples in equal distances until the time is over. */
async function watch(forMs: number): Promise<Sample[]> {
  const found: Sample[] = [];
  const until = began + AROUND_MS / 2 + forMs;
  const everyMs = (until - performance.now()) / SAMPLES;
  while (performance.now() < until) {
    await pause(everyMs);
    const sample = await server.tell<Sample>({ do: "sample" });
    found.push(sample);
    process.stdout.write(`${lineOf(sample)}\n`);
  }
  return found;
}

function lineOf({ at, heap, buffers, rss, connected, lost }: Sample): string {
  const memory = `heap ${heap.toFixed(1)}, buffers ${buffers.toFixed(1)}, resident ${rss.toFixed(0)} MiB`;
  return `after ${(at / MINUTE_MS).toFixed(1)} minutes: ${memory}; ${connected} nodes here, ${lost} away`;
}

/** Looks until it is well or the time for it is over; what it saw last is what counts. */
async function settled<T>(look: () => Promise<T>, isWell: (seen: T) => boolean): Promise<T> {
  const until = performance.now() + SETTLE_MS;
  for (;;) {
    const seen = await look();
    if (isWell(seen) || performance.now() > until) return seen;
    await pause(LOOK_MS);
  }
}

function report(findings: Findings): number {
  const wrong = verdict(findings);
  const line = (what: string, { first, last, growth }: Trend): string =>
    `${what}: ${first.toFixed(1)} -> ${last.toFixed(1)} MiB (${(100 * growth).toFixed(1)} %)`;
  const most = (figure: (sample: Sample) => number): number => Math.max(...samples.map(figure));
  const counts = Object.entries(after).map(([name, count]) => `${name} ${count}/${before[name] ?? 0}`);
  process.stdout.write(
    [
      `soak of ${((performance.now() - began) / MINUTE_MS).toFixed(1)} minutes, seed ${values.seed}`,
      `${passed} clients came and went, ${loyalty.held.length} stayed and came back ${loyalty.returns} times; ${done.changes} changes, ${done.connects} connects, ` +
        `${done.acks} ACKs, ${done.nacks} NACKs`,
      line(
        "heap after a collection",
        trendOf(samples, (sample) => sample.heap),
      ),
      line(
        "buffers outside of it",
        trendOf(samples, (sample) => sample.buffers),
      ),
      line(
        "resident memory",
        trendOf(samples, (sample) => sample.rss),
      ),
      `at most ${most((sample) => sample.connected)} nodes at a time, ${most((sample) => sample.lost)} lost nodes remembered`,
      `after the last client: heap ${end.heap.toFixed(1)}, buffers ${end.buffers.toFixed(1)}, resident ${end.rss.toFixed(1)} MiB`,
      `left, and before the first client: ${counts.join(", ")}`,
      ...wrong.map((what) => `FAILED  ${what}`),
      "",
    ].join("\n"),
  );
  return wrong.length === 0 ? 0 : 1;
}
