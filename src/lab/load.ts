import { performance } from "node:perf_hooks";
import { type Counts, sumOf, Tally } from "./tally.ts";
import type { Target } from "./target.ts";

export interface LoadOptions {
  /** Taken in turn. */
  readonly targets: readonly Target[];
  readonly path: string;
  /** Requests a second, evenly spaced, whether or not the earlier ones have been answered. */
  readonly rate: number;
  /** A request without an answer by then has failed; 10 s by default. */
  readonly timeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Requests between two moments: those that were sent while it was open. */
export interface Span {
  /** As it stands now. */
  counts(): Counts;
  /** Takes no more requests; resolves when each of its own has ended. */
  close(): Promise<Counts>;
}

export interface Load {
  /** Everything since the start. */
  readonly total: Tally;
  open(): Span;
  /** Requests that were sent in the last whole seconds; no more than a minute is kept. */
  recent(seconds: number): Counts;
  setRate(rate: number): void;
  /** Sends nothing more; resolves when each request has ended. */
  stop(): Promise<Counts>;
}

const KEPT_SECONDS = 60;
/** Where this process was held up for longer, requests are left out rather than sent as a burst that nobody asked for. */
const CATCH_UP_MS = 250;

/** Steady load from one process. Open loop: slow answers do not slow the sending down. */
export function startLoad(options: LoadOptions): Load {
  const total = new Tally();
  const spans = new Set<Tally>();
  const seconds: { readonly second: number; readonly tally: Tally }[] = [];
  const secondOf = (now: number): Tally => {
    const second = Math.floor(now / 1_000);
    const last = seconds.at(-1);
    if (last?.second === second) return last.tally;
    const tally = new Tally();
    seconds.push({ second, tally });
    if (seconds.length > KEPT_SECONDS + 1) seconds.shift();
    return tally;
  };
  const pacer = startPacer(options.rate, (turn) => {
    const target = options.targets[turn % options.targets.length];
    if (target !== undefined) void send(target, options, [total, secondOf(performance.now()), ...spans]);
  });
  return {
    total,
    open: () => {
      const tally = new Tally();
      spans.add(tally);
      return {
        counts: () => tally.counts(),
        close: async () => {
          spans.delete(tally);
          await tally.settled();
          return tally.counts();
        },
      };
    },
    recent: (count) => {
      const now = Math.floor(performance.now() / 1_000);
      const wanted = seconds.filter(({ second }) => second < now && second >= now - count);
      return sumOf(wanted.map(({ tally }) => tally.counts()));
    },
    setRate: (rate) => pacer.setRate(rate),
    stop: async () => {
      pacer.stop();
      await total.settled();
      return total.counts();
    },
  };
}

async function send(target: Target, options: Omit<LoadOptions, "rate">, tallies: readonly Tally[]): Promise<void> {
  for (const tally of tallies) tally.sent();
  const started = performance.now();
  try {
    const { timeoutMs = 10_000, headers = {} } = options;
    const answer = await target.request(options.path, { timeoutMs, headers });
    const tookMs = performance.now() - started;
    for (const tally of tallies) tally.answered(target.name, answer, tookMs);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    for (const tally of tallies) tally.failed({ target: target.name, cause });
  }
}

interface Pacer {
  setRate(rate: number): void;
  stop(): void;
}

/** Calls back at even distances; a timer that fires late is made good, within limits, so that the rate is kept. */
function startPacer(initialRate: number, due: (turn: number) => void): Pacer {
  let rate = initialRate;
  let turn = 0;
  let next = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const tick = (): void => {
    const now = performance.now();
    next = Math.max(next, now - CATCH_UP_MS);
    while (next <= now) {
      due(turn);
      turn += 1;
      next += 1_000 / rate;
    }
    timer = setTimeout(tick, Math.max(1, next - performance.now()));
  };
  // Not before the caller has what it needs to count the first one.
  if (rate > 0) timer = setTimeout(tick, 0);
  return {
    setRate: (changed) => {
      clearTimeout(timer);
      rate = changed;
      next = performance.now();
      if (rate > 0) tick();
    },
    stop: () => clearTimeout(timer),
  };
}

/** Sends `count` requests at once, in turn to the targets, and resolves when the last has ended. */
export async function burst(count: number, options: Omit<LoadOptions, "rate">): Promise<Tally> {
  const tally = new Tally();
  const { targets } = options;
  const requests: Promise<void>[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const target = targets[turn % targets.length];
    if (target !== undefined) requests.push(send(target, options, [tally]));
  }
  await Promise.all(requests);
  return tally;
}
