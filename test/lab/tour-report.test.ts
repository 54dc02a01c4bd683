import { expect, test } from "vitest";
import { ending, exitCodeOf, notAsTold, type Played, sentenceOf, table } from "../../src/lab/tour-report.ts";

function played(name: string, failed: number, more: Partial<Played> = {}): Played {
  const firstFailure = failed === 0 ? undefined : { target: "edge-1", cause: "503 from v2" };
  const counts = { sent: 1_604, answered: 1_604, failed, byVersion: new Map(), byStatus: new Map(), firstFailure };
  return { name, counts, facts: ["of 1,604 requests v2 answered 4.6 %"], short: "v2 4.6 %", ...more };
}

test("a tour fails by one failed request, or by one step that did not do what it says", () => {
  expect(exitCodeOf([played("a", 0), played("b", 0)])).toBe(0);
  expect(exitCodeOf([played("a", 0), played("b", 1)])).toBe(1);
  expect(exitCodeOf([played("a", 0), played("b", 0, notAsTold("the command ended with 3"))])).toBe(1);
});

test("a step is told in one sentence with its failed requests", () => {
  expect(sentenceOf(played("a", 0))).toBe("Of 1,604 requests v2 answered 4.6 %, and no request failed.");
  expect(sentenceOf(played("a", 12))).toBe("Of 1,604 requests v2 answered 4.6 %, and 12 failed.");
  expect(sentenceOf(played("a", 0, notAsTold("x")))).toBe("No request failed.");
});

test("the table has a row for each step, and the sum names the first failure", () => {
  const steps = [played("before", 0), played("shift to 5 %", 1_200)];
  expect(table(steps).split("\n")).toEqual([
    "step                  requests  failed   what was seen",
    "before                   1,604       0   v2 4.6 %",
    "shift to 5 %             1,604   1,200   v2 4.6 %",
  ]);
  expect(ending(steps, 26_400)).toBe("3,208 requests, 1,200 failed (the first at edge-1: 503 from v2), in 26 s.");
});
