import { expect, test } from "vitest";
import type { ClusterReport } from "../../../src/core/load/report.ts";
import { addReport, NO_LOADS, type NodeLoads, sumLoads } from "../../../src/core/load/windows.ts";

const BOUNDS = { windows: 3, ageMs: 60_000, nodeSize: 100 };

const of = (cluster: string, counts: Partial<ClusterReport> = {}): ClusterReport => ({
  cluster,
  success: 0,
  error: 0,
  issued: 0,
  dropped: 0,
  inProgress: 0,
  intervalMs: 10_000,
  ...counts,
});

/** Reports every ten seconds, the first at 10,000. */
const reported = (...reports: (readonly ClusterReport[])[]): NodeLoads =>
  reports.reduce((loads, report, index) => addReport(loads, report, (index + 1) * 10_000, BOUNDS), NO_LOADS);

test("counts add up over reports; what is under way is as the newest report has it", () => {
  const loads = reported(
    [of("a", { success: 7, error: 1, dropped: 2, inProgress: 5 })],
    [of("a", { success: 3, error: 4, inProgress: 1 })],
  );
  expect(sumLoads([loads], 0).get("a")).toEqual({ success: 10, error: 5, dropped: 2, inProgress: 1, since: 0 });
});

test("counts add up over nodes, and begin where the first of them began", () => {
  const early = reported([of("a", { success: 1, inProgress: 1 })]);
  const late = addReport(NO_LOADS, [of("a", { success: 2, inProgress: 2, intervalMs: 2_000 })], 60_000, BOUNDS);
  const sums = sumLoads([early, late], 0);
  expect(sums.get("a")).toMatchObject({ success: 3, inProgress: 3, since: 0 });
  expect(sumLoads([early, late], 10_000).get("a")).toMatchObject({ success: 2, inProgress: 2, since: 58_000 });
});

test("a cluster without traffic is told of with zeros, one that nobody reported is not there", () => {
  const sums = sumLoads([reported([of("a")])], 0);
  expect(sums.get("a")).toEqual({ success: 0, error: 0, dropped: 0, inProgress: 0, since: 0 });
  expect(sums.has("b")).toBe(false);
});

test("a cluster that the newest report does not have has nothing under way", () => {
  const loads = reported([of("a", { inProgress: 3 })], [of("b")]);
  expect(sumLoads([loads], 0).get("a")?.inProgress).toBe(0);
});

test("clusters without traffic cost once, not with each report", () => {
  const idle = Array.from({ length: 20 }, (_, index) => of(`idle-${index}`));
  const once = reported(idle);
  const thrice = reported(idle, idle, idle);
  expect(once.size).toBe(21);
  expect(thrice.size).toBe(23);
});

test("the oldest reports go when there are too many, when they are old, and when they are large", () => {
  const busy = (count: number) => Array.from({ length: count }, (_, index) => of(`c${index}`, { success: 1 }));
  expect(reported([of("a")], [of("b")], [of("c")], [of("d")]).windows.map(({ at }) => at)).toEqual([
    20_000, 30_000, 40_000,
  ]);
  expect(addReport(reported([of("a")], [of("b")]), [of("c")], 75_000, BOUNDS).windows.map(({ at }) => at)).toEqual([
    20_000, 75_000,
  ]);
  expect(reported(busy(60), busy(60)).windows).toHaveLength(1);
  expect(reported(busy(30), busy(500)).windows).toHaveLength(1);
});
