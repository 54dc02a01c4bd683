import { expect, test } from "vitest";
import { LoadReports } from "../../src/control/load-reports.ts";
import type { ClusterReport } from "../../src/core/load/report.ts";
import { VirtualClock } from "./virtual-clock.ts";

const of = (cluster: string, success = 1): ClusterReport => ({
  cluster,
  success,
  error: 0,
  issued: success,
  dropped: 0,
  inProgress: 0,
  intervalMs: 10_000,
});

test("loads are asked for of all nodes, of some, and of the time since a moment", () => {
  const clock = new VirtualClock();
  const reports = new LoadReports(clock);
  const start = clock.now();
  reports.add("n1", [of("a", 1)]);
  clock.advance(10_000);
  reports.add("n1", [of("a", 10)]);
  reports.add("n2", [of("a", 100)]);
  expect(reports.loads().get("a")).toMatchObject({ success: 111, since: start - 10_000 });
  expect(reports.loads({ nodes: ["n1", "n1", "unknown"] }).get("a")?.success).toBe(11);
  expect(reports.loads({ from: start }).get("a")).toMatchObject({ success: 110, since: start });
});

test("what is old is not told, and a node that reports no more is forgotten when another does", () => {
  const clock = new VirtualClock();
  const reports = new LoadReports(clock, { ageMs: 60_000 });
  reports.add("gone", [of("a")]);
  clock.advance(60_000);
  expect(reports.loads().size).toBe(0);
  expect(reports.counts().nodes).toBe(1);
  reports.add("here", [of("b")]);
  expect(reports.counts()).toEqual({ received: 2, nodes: 1, size: 2 });
});

test("nodes are bounded: who reported longest ago goes first", () => {
  const reports = new LoadReports(new VirtualClock(), { nodes: 2 });
  reports.add("n1", [of("a")]);
  reports.add("n2", [of("b")]);
  reports.add("n1", [of("a")]);
  reports.add("n3", [of("c")]);
  expect([...reports.loads().keys()].sort()).toEqual(["a", "c"]);
});

test("reports are bounded over all nodes, and nodes that report in turn keep equally many", () => {
  const reports = new LoadReports(new VirtualClock(), { size: 100, windows: 1_000, nodeSize: 1_000 });
  for (let round = 0; round < 50; round += 1)
    for (const node of ["n1", "n2", "n3", "n4", "n5"]) reports.add(node, [of(node)]);
  expect(reports.counts().size).toBeLessThanOrEqual(100);
  expect([...reports.loads().values()].map(({ success }) => success)).toEqual([10, 10, 10, 10, 10]);
});

test("P58 long names of clusters cost as much as several: 250,000 of a thousand characters are not kept", () => {
  const reports = new LoadReports(new VirtualClock(), { size: 100 });
  const long = (index: number): string => `${index}`.padStart(1_000, "x");
  for (let n = 0; n < 20; n += 1) reports.add(`n${n}`, [of(long(n)), of(long(n + 100), 0)]);
  expect([...reports.loads().keys()]).toEqual([16, 116, 17, 117, 18, 118, 19, 119].map(long));
});

test("one node with everything does not push the others out", () => {
  const reports = new LoadReports(new VirtualClock(), { size: 100, nodeSize: 50 });
  reports.add("small", [of("a")]);
  const many = Array.from({ length: 40 }, (_, index) => of(`c${index}`));
  for (let round = 0; round < 10; round += 1) reports.add("large", many);
  expect(reports.loads().get("a")?.success).toBe(1);
  expect(reports.counts().size).toBe(2 + 41);
});
