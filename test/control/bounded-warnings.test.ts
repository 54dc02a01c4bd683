import { expect, test } from "vitest";
import { boundedWarnings } from "../../src/control/bounded-warnings.ts";

test("what outsiders cause is told a few times in a while, and how much was left out after it", () => {
  const told: string[] = [];
  let now = 0;
  const warn = boundedWarnings(
    (message) => told.push(message),
    () => now,
  );
  for (let index = 0; index < 50; index += 1) warn(`refused ${index}`);
  expect(told).toHaveLength(20);
  now = 9_999;
  warn("still the same while");
  expect(told).toHaveLength(20);
  now = 10_000;
  warn("the next");
  expect(told.slice(20)).toEqual(["31 more warnings about clients were left out in 10 s", "the next"]);
  now = 30_000;
  warn("one later");
  expect(told.slice(22)).toEqual(["one later"]);
});
