import { expect, test } from "vitest";
import { RepeatedRuns } from "../../src/grpc/repeated.ts";

const MIB = 1 << 20;

function runOf(mark: number, length: number): Buffer {
  return Buffer.alloc(length, mark);
}

function isKnown(runs: RepeatedRuns<number>, run: Buffer): boolean {
  return runs.find(run, 0, run.length) !== undefined;
}

test("what clients send again is remembered as long as all of it stays small; the oldest goes first", () => {
  const runs = new RepeatedRuns<number>();
  for (const mark of [1, 2, 3, 4]) {
    const run = runOf(mark, 5 * MIB);
    runs.remember(run, 0, run.length, mark);
  }
  expect([1, 2, 3, 4].map((mark) => isKnown(runs, runOf(mark, 5 * MIB)))).toEqual([false, true, true, true]);
  const endless = runOf(9, 17 * MIB);
  runs.remember(endless, 0, endless.length, 9);
  expect([isKnown(runs, endless), isKnown(runs, runOf(4, 5 * MIB))]).toEqual([false, true]);
});
