import { expect, it } from "vitest";
import { Revisits } from "../../src/control/revisits.ts";
import { VirtualClock } from "./virtual-clock.ts";

const START = Date.parse("2030-01-01T00:00:00Z");

function revisitsOf(clock: VirtualClock) {
  const visits: [string, number][] = [];
  const revisits = new Revisits<string>(clock, (one) => visits.push([one, clock.now() - START]));
  return { visits, at: (ms: number, one: string) => revisits.at(START + ms, one) };
}

it("thousands that come due together have one timer, and each is visited once however often it was said", () => {
  const clock = new VirtualClock(START);
  const { visits, at } = revisitsOf(clock);
  for (let n = 0; n < 3_000; n += 1) {
    at(2_951 + (n % 50), `n${n}`);
    at(3_000, `n${n}`);
  }
  expect(clock.pending).toBe(1);
  clock.advance(2_999);
  expect(visits).toEqual([]);
  clock.advance(1);
  expect(visits).toHaveLength(3_000);
  expect([new Set(visits.map(([one]) => one)).size, clock.pending]).toEqual([3_000, 0]);
});

it("nobody is visited before its moment, nor a twentieth of a second after it", () => {
  const clock = new VirtualClock(START);
  const { visits, at } = revisitsOf(clock);
  for (const ms of [1, 49, 50, 51, 100, 1_234]) at(ms, String(ms));
  clock.advance(2_000);
  expect(visits).toHaveLength(6);
  for (const [one, when] of visits) {
    expect(when).toBeGreaterThanOrEqual(Number(one));
    expect(when).toBeLessThan(Number(one) + 50);
  }
});

it("who is visited may say another moment, the same one too", () => {
  const clock = new VirtualClock(START);
  const when: number[] = [];
  const revisits = new Revisits<string>(clock, (one) => {
    when.push(clock.now() - START);
    if (when.length < 3) revisits.at(clock.now() + (when.length - 1) * 100, one);
  });
  revisits.at(START + 50, "n1");
  clock.advance(1_000);
  expect([when, clock.pending]).toEqual([[50, 50, 150], 0]);
});
