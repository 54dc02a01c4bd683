import { describe, expect, test } from "vitest";
import type { Said } from "../../src/lab/api.ts";
import { difference } from "../../src/lab/screen.ts";
import { Tally } from "../../src/lab/tally.ts";
import { paint, rowsOf } from "../../src/lab/text.ts";
import { heading, type Moment, plainLine, view } from "../../src/lab/view.ts";

const COMMAND = 'bin/belay shift reviews v2=5% --reason "try it" --yes --server http://127.0.0.1:45678';
const ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";

function tally(byVersion: Readonly<Record<string, number>>, failed = 0): Tally {
  const counted = new Tally();
  for (const [servedBy, count] of Object.entries(byVersion)) {
    for (let n = 0; n < count; n += 1) {
      counted.sent();
      counted.answered("edge-1", { status: 200, servedBy }, 2);
    }
  }
  for (let n = 0; n < failed; n += 1) {
    counted.sent();
    counted.failed({ target: "edge-2", cause: "503 from v2" });
  }
  return counted;
}

type Node = Said["nodes"][number];
type Rollout = Said["rollouts"][number];

const AT_REST = { wanted: { v1: 10_000, v2: 0 }, acked: { v1: 10_000, v2: 0 } };
const SHIFTED = { wanted: { v1: 9_500, v2: 500 }, acked: { v1: 9_500, v2: 500 } };
const ON_ITS_WAY = { wanted: SHIFTED.wanted, acked: AT_REST.acked };

function node(id: string, state: Node["state"] = "IN_SYNC"): Node {
  const types = { [ROUTES]: { state: "SYNCED" as const, version: "0123456789abcdef" } };
  return { id, connected: true, state, revision: { wanted: 1, acked: 1 }, types };
}

function rollout(state: Rollout["state"], hosts: Partial<Rollout["hosts"]> = {}): Rollout {
  const some = { target: ["edge-1", "edge-2"], acked: ["edge-1"], refused: [], lost: [], ...hosts };
  return { id: "ro-1", kind: "shift", state, reason: "try it", hosts: some };
}

function said(split: Said["split"], ...rollouts: Rollout[]): Said {
  return { split, nodes: [node("edge-1"), node("edge-2")], rollouts };
}

function moment(more: Partial<Moment> = {}): Moment {
  return {
    fleet: "2 Envoys 1.40.0",
    rate: 400,
    upMs: 65_000,
    said: said(AT_REST),
    versions: ["v1", "v2"],
    total: tally({ v1: 10 }).counts(),
    latency: { p50Ms: 1, p99Ms: 3, maxMs: 4 },
    recent: tally({ v1: 95, v2: 5 }).counts(),
    page: "http://127.0.0.1:7070/",
    commands: [COMMAND, "bin/belay fleet", 'bin/belay rollback --reason "undo" --yes'],
    ...more,
  };
}

const SIZE = { rows: 24, columns: 80 };
const textOf = (shown: Moment, size = SIZE): string[] =>
  view(shown, size).map((line) => paint(line, size.columns, false));
const rowsTaken = (shown: Moment, size = SIZE): number =>
  view(shown, size).reduce((sum, line) => sum + rowsOf(line, size.columns), 0);

describe("the lab's terminal view", () => {
  test("fits 80 by 24 with two Envoys, every command whole", () => {
    const shown = moment({ said: said(SHIFTED, rollout("done"), rollout("done"), rollout("done")) });
    expect(rowsTaken(shown)).toBeLessThanOrEqual(24);
    expect(textOf(shown)).toContain(COMMAND);
    expect(textOf(shown).filter((text) => text.includes("ro-1"))).not.toHaveLength(0);
  });

  test("in a low and narrow terminal gives up empty lines and history before a command", () => {
    const size = { rows: 17, columns: 60 };
    const shown = moment({ said: said(SHIFTED, rollout("done")) });
    expect(rowsTaken(shown, size)).toBeLessThanOrEqual(17);
    expect(textOf(shown, size)).toEqual(expect.arrayContaining([COMMAND, ...moment().commands]));
    expect(textOf(shown, size).join("\n")).toContain("edge-2");
  });

  test("with 40 Envoys shows as many as there is room for and sums up the rest", () => {
    const nodes = Array.from({ length: 40 }, (_, n) => node(`edge-${n + 1}`, n === 39 ? "REFUSED" : "IN_SYNC"));
    const text = textOf(moment({ said: { ...said(AT_REST), nodes } }));
    expect(text.length).toBeLessThanOrEqual(24);
    expect(text.join("\n")).toMatch(/and \d+ more, 1 not IN_SYNC/);
  });

  test("shows wanted, acked and seen as three things", () => {
    expect(textOf(moment({ said: said(ON_ITS_WAY, rollout("applying")) }))).toContainEqual(
      expect.stringMatching(/^ {2}v2 +5 % +0 % +5\.0 % +█+$/),
    );
  });

  test("says what failed first", () => {
    expect(textOf(moment({ total: tally({ v1: 10 }, 3).counts() })).join("\n")).toMatch(
      /failed 3 .*first: 503 from v2/,
    );
  });

  test.each<[string, Partial<Moment>, string]>([
    ["at rest", {}, "Nothing is moving. reviews: v1 100 %, v2 0 %."],
    ["after a shift", { said: said(SHIFTED, rollout("done")) }, "Nothing is moving. reviews: v1 95 %, v2 5 %."],
    [
      "during a shift",
      { said: said(ON_ITS_WAY, rollout("applying")) },
      "ro-1, a shift, is applying: 1 of 2 hosts have acknowledged.",
    ],
    [
      "without its control plane",
      { awayMs: 4_000 },
      "The control plane has been away for 0:04. Traffic goes on without it.",
    ],
    [
      "after a refusal",
      { said: said(AT_REST, rollout("rolledBack", refusedBy("edge-1", "Invalid path: x\nmore"))) },
      'ro-1 is rolled back: edge-1 refused it, "Invalid path: x"',
    ],
  ])("opens with one sentence: %s", (_, more, sentence) => {
    expect(paint(heading(moment(more)), 200, false)).toBe(sentence);
  });

  test("is one line where there is no terminal", () => {
    expect(plainLine(moment())).toBe(
      "1:05  reviews v1 95.0 % (wanted 100 %), v2 5.0 % (wanted 0 %)  10 requests, 0 failed  edge-1 r1 IN_SYNC, edge-2 r1 IN_SYNC",
    );
  });
});

function refusedBy(id: string, error: string): Rollout["hosts"] {
  return { target: [id], acked: [], refused: [{ node: id, typeUrl: "cds", error }], lost: [] };
}

describe("drawing on a terminal", () => {
  test("writes only the rows that differ, and empties those that are no more", () => {
    expect(difference(["a", "b", "c"], ["a", "B"])).toBe("\u001B[2;1H\u001B[2KB\u001B[3;1H\u001B[2K");
    expect(difference(["a"], ["a"])).toBe("");
  });

  test("cuts a line to the width, colours not counted, but never one that is to be copied", () => {
    const pieces = [{ text: "abc" }, { text: "defgh", look: "wrong" as const }];
    expect(paint({ pieces }, 5, true)).toBe("abc\u001B[31mde\u001B[0m");
    expect(paint({ pieces, toCopy: true }, 5, false)).toBe("abcdefgh");
    expect(rowsOf({ pieces, toCopy: true }, 5)).toBe(2);
  });
});
