import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { RepeatedRuns } from "../../src/grpc/repeated.ts";

const MIB = 1 << 20;

/** One entry of so many bytes in all, its length in four of them. */
function runOf(mark: number, length: number): Buffer {
  const run = Buffer.alloc(length, mark);
  const value = length - 5;
  for (let at = 1; at <= 4; at += 1) run[at] = ((value >>> (7 * (at - 1))) & 0x7f) | (at < 4 ? 0x80 : 0);
  return run;
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

test("what nobody has sent in five minutes goes with the next that is new", () => {
  let now = 0;
  const runs = new RepeatedRuns<number>(() => now);
  const remember = (mark: number): void => {
    const run = runOf(mark, 100);
    runs.remember(run, 0, run.length, mark);
  };
  remember(1);
  remember(2);
  now = 4 * 60_000;
  expect(isKnown(runs, runOf(1, 100))).toBe(true);
  now = 5 * 60_000;
  remember(3);
  expect([1, 2, 3].map((mark) => isKnown(runs, runOf(mark, 100)))).toEqual([true, false, true]);
});

const TAG = 0x1a;

function listOf(names: readonly string[]): Buffer {
  return Buffer.concat(names.map((name) => Buffer.concat([Buffer.from([TAG, name.length]), Buffer.from(name)])));
}

test("hundreds of lists that take turns are all known, each with its own value, however alike they are", () => {
  const runs = new RepeatedRuns<number>();
  const lists = Array.from({ length: 500 }, (_, n) =>
    listOf(
      Array.from({ length: 20 }, (_, at) => (at === n % 20 ? `other-${String(n).padStart(4, "0")}` : `same-${at}`)),
    ),
  );
  for (const [n, list] of lists.entries()) {
    if (runs.find(list, 0, list.length) === undefined) runs.remember(list, 0, list.length, n);
  }
  const found = [0, 1].flatMap(() =>
    lists.flatMap((list, n) => {
      const known = runs.find(list, 0, list.length);
      return known === undefined ? [] : [known.value === n && known.end === list.length];
    }),
  );
  expect(found.every((isRight) => isRight)).toBe(true);
  expect(found.length).toBeGreaterThan(950);
});

test("a list is known only as a whole, and broken bytes are no list", () => {
  const runs = new RepeatedRuns<string>();
  const list = listOf(Array.from({ length: 10 }, (_, n) => `name-${n}`));
  runs.remember(list, 0, list.length, "ten");
  const longer = Buffer.concat([list, listOf(["one-more"])]);
  const behind = Buffer.concat([list, Buffer.from([0x22, 0])]);
  const at = (bytes: Buffer) => runs.find(bytes, 0, bytes.length)?.end;
  expect([at(list), at(behind), at(longer)]).toEqual([list.length, list.length, undefined]);
  for (const broken of [list.subarray(0, -1), Buffer.concat([list, Buffer.from([TAG, 0xff, 0xff])])])
    expect(at(broken)).toBeUndefined();
});

test("a short list that is remembered keeps no large buffer", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const runs = new RepeatedRuns<number>();
  collect();
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 8_000; n += 1) {
    const list = listOf([`a-name-that-is-long-enough-${n}`, `another-${n}`]);
    if (n % 80 === 0) runs.remember(list, 0, list.length, n);
  }
  const kept = (): number => {
    collect();
    return process.memoryUsage().arrayBuffers - before;
  };
  // Buffers are swept beside the program, some time after they were collected.
  await expect.poll(kept, { timeout: 10_000 }).toBeLessThan(100 * 2_048);
  const last = listOf(["a-name-that-is-long-enough-7920", "another-7920"]);
  expect(isKnown(runs, last)).toBe(true);
});
