import { loadavg } from "node:os";
import { findEnvoy } from "../../src/proxy/find-envoy.ts";

/** The value that `share` (0 to 1) of the samples do not exceed: always one that was measured, never between two. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export const TIMES = ["n", "p50", "p90", "p99", "max"] as const;

/** Samples in milliseconds as the cells of a row under `TIMES`. */
export function timesOf(samples: readonly number[]): string[] {
  const at = (share: number): string => milliseconds(quantile(samples, share));
  return [String(samples.length), at(0.5), at(0.9), at(0.99), at(1)];
}

/** `8.4 ms`, `143 ms`. */
export function milliseconds(value: number): string {
  return `${value.toFixed(value < 20 ? 1 : 0)} ms`;
}

/** Prints a table: the first column to the left, the others to the right. The first row is the heading. */
export function table(rows: readonly (readonly string[])[]): void {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  for (const row of rows) {
    const cells = row.map((cell, column) => pad(cell, widths[column] ?? 0, column === 0));
    process.stdout.write(`  ${cells.join("   ").trimEnd()}\n`);
  }
}

function pad(cell: string, width: number, toTheLeft: boolean): string {
  return toTheLeft ? cell.padEnd(width) : cell.padStart(width);
}

/** Prints a sentence, e.g. what was set up. */
export function say(sentence: string): void {
  process.stdout.write(`  ${sentence}\n`);
}

/** Runs a benchmark, and says before and after it how busy the machine was. Without an Envoy it says so and does nothing. */
export async function withEnvoy(measure: () => Promise<void>): Promise<void> {
  const envoy = await findEnvoy();
  if ("missing" in envoy) return say(`Not measured: ${envoy.missing}.`);
  const before = minuteLoad();
  await measure();
  say(`load ${before} before, ${minuteLoad()} after (1 minute, ours included)`);
}

function minuteLoad(): string {
  return (loadavg()[0] ?? 0).toFixed(2);
}
