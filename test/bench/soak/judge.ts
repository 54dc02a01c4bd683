import { quantile } from "../figures.ts";
import type { Content, Counts, Held, Loyalty, Sample } from "./messages.ts";

/** How much larger the median of the last third of a run may be than that of its first, as a share. */
export const GROWTH = { heap: 0.05, rss: 0.05 };

/**
 * What a run may gain besides that is over in a few minutes, in MiB: code is compiled, and what is kept for minutes fills. Of half
 * an hour the first five bring 7 MiB of heap and 50 of resident memory. A run whose warm-up is longer may gain nothing besides.
 */
const SETTLING = { short: { heap: 4, rss: 20 }, long: { heap: 0, rss: 0 } };
const LONG_WARM_UP_MS = 5 * 60_000;

/** Samples that say nothing yet: caches fill, code is compiled, nodes go that are remembered. */
const WARM_UP = 0.2;

/** The lost nodes that are remembered at most. */
const MOST_LOST = 10_000;

/** All that a soak has found out. */
export interface Findings {
  readonly samples: readonly Sample[];
  /** What was alive before the first client came, and after the last one had gone. */
  readonly before: Counts;
  readonly after: Counts;
  readonly loyalty: Loyalty;
  /** What each group's clients should have. */
  readonly wanted: Readonly<Record<string, Content>>;
}

/** How a figure moved over a run: medians of the first and the last third after the warm-up. */
export interface Trend {
  readonly first: number;
  readonly last: number;
  /** Share by which it grew; negative where it shrank. */
  readonly growth: number;
}

/** The trend of one figure. */
export function trendOf(samples: readonly Sample[], figure: (sample: Sample) => number): Trend {
  const warm = warmOf(samples);
  const third = Math.max(1, Math.floor(warm.length / 3));
  const median = (part: readonly Sample[]): number => quantile(part.map(figure), 0.5);
  const [first, last] = [median(warm.slice(0, third)), median(warm.slice(-third))];
  return { first, last, growth: last / first - 1 };
}

/** What a soak must not find: one sentence each, none where all is well. */
export function verdict({ samples, before, after, loyalty, wanted }: Findings): string[] {
  const heap = trendOf(samples, (sample) => sample.heap);
  const rss = trendOf(samples, (sample) => sample.rss);
  const lost = Math.max(...samples.map((sample) => sample.lost));
  const settling = SETTLING[isLong(samples) ? "long" : "short"];
  return [
    ...grown("heap after a collection", heap, { share: GROWTH.heap, mib: settling.heap }),
    ...grown("resident memory", rss, { share: GROWTH.rss, mib: settling.rss }),
    ...(lost > MOST_LOST ? [`${lost} lost nodes are remembered, more than ${MOST_LOST}`] : []),
    ...Object.entries(after).flatMap(([name, count]) =>
      count > (before[name] ?? 0) ? [`${count} ${name} are left of ${before[name] ?? 0} before the first client`] : [],
    ),
    ...loyalty.complaints,
    ...loyalty.held.flatMap((held) => differences(held, wanted[held.group] ?? {})),
  ];
}

function warmOf(samples: readonly Sample[]): readonly Sample[] {
  return samples.slice(Math.floor(samples.length * WARM_UP));
}

function isLong(samples: readonly Sample[]): boolean {
  return (warmOf(samples)[0]?.at ?? 0) >= LONG_WARM_UP_MS;
}

function grown(
  what: string,
  { first, last, growth }: Trend,
  most: { readonly share: number; readonly mib: number },
): string[] {
  if (growth <= most.share || last - first <= most.mib) return [];
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return [
    `${what} grew from ${first.toFixed(1)} to ${last.toFixed(1)} MiB: ${percent(growth)}, more than ${percent(most.share)}`,
  ];
}

/** Where what a client holds is not what it should have. */
export function differences({ id, content }: Held, wanted: Content): string[] {
  const types = new Set([...Object.keys(content), ...Object.keys(wanted)]);
  return [...types].flatMap((typeUrl) => {
    const [has, should] = [content[typeUrl] ?? {}, wanted[typeUrl] ?? {}];
    const names = new Set([...Object.keys(has), ...Object.keys(should)]);
    const wrong = [...names].filter((name) => has[name] !== should[name]);
    const type = typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
    return wrong.length === 0 ? [] : [`${id} holds of ${type} something else than it should: ${wrong.join(", ")}`];
  });
}
