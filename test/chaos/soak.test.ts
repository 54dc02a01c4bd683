import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Findings } from "../bench/soak/judge.ts";
import { verdict } from "../bench/soak/judge.ts";
import type { Sample } from "../bench/soak/messages.ts";
import { ROOT } from "../house/planted-tree.ts";

const MINUTE = 60_000;

test(
  "for two minutes clients come, go, break, stall and refuse while all changes: memory stays flat, nothing is left, who stayed has what it should",
  async () => {
    const soak = join(ROOT, "scripts", "soak.mjs");
    const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
      execFile(process.execPath, [soak, "--minutes", "2"], { timeout: 4 * MINUTE }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : error.code, output: stdout + stderr });
      });
    });
    process.stdout.write(output.replace(/^/gm, "  "));
    expect([code, output]).toEqual([0, expect.stringContaining("clients came and went")]);
  },
  5 * MINUTE,
);

describe("the soak's judge finds", () => {
  const samples = (heapOf: (n: number) => number, rssOf: (n: number) => number = () => 120): Sample[] =>
    Array.from({ length: 40 }, (_, n) => ({
      at: n * 1_000,
      heap: heapOf(n),
      buffers: 5,
      rss: rssOf(n),
      connected: 60,
      lost: 10_000,
    }));
  const noisy = (n: number): number => 35 + (n % 3);
  const content = { "type.googleapis.com/x.Y": { a: "1" } };
  const fine: Findings = {
    samples: samples(noisy),
    before: { sessions: 0, timers: 2 },
    after: { sessions: 0, timers: 2 },
    loyalty: { held: [{ id: "n", group: "g", content }], complaints: [], acks: 1, returns: 0 },
    wanted: { g: content },
  };

  test("nothing where there is nothing: memory that only swings is flat", () => {
    expect(verdict(fine)).toEqual([]);
  });

  test("a heap that grows slowly, and resident memory that does", () => {
    expect(verdict({ ...fine, samples: samples((n) => noisy(n) + n / 5) })).toEqual([
      expect.stringMatching(/^heap after a collection grew/),
    ]);
    expect(verdict({ ...fine, samples: samples(noisy, (n) => 120 + n) })).toEqual([
      expect.stringMatching(/^resident memory grew/),
    ]);
  });

  test("in a long run also what a process gains in its first minutes", () => {
    const gains = (at: number): Sample[] => samples((n) => 35 + n / 10).map((sample, n) => ({ ...sample, at: n * at }));
    expect(verdict({ ...fine, samples: gains(3_000) })).toEqual([]);
    expect(verdict({ ...fine, samples: gains(45_000) })).toEqual([
      expect.stringMatching(/^heap after a collection grew/),
    ]);
  });

  test("one session that is left, and lost nodes beyond their bound", () => {
    expect(verdict({ ...fine, after: { sessions: 1, timers: 2 } })).toEqual([
      "1 sessions are left of 0 before the first client",
    ]);
    const many = fine.samples.map((sample) => ({ ...sample, lost: 10_001 }));
    expect(verdict({ ...fine, samples: many })).toEqual(["10001 lost nodes are remembered, more than 10000"]);
  });

  test("a client that stayed and has something else than it should, less, or more", () => {
    for (const held of [{ a: "2" }, {}, { a: "1", b: "1" }]) {
      const loyalty = {
        ...fine.loyalty,
        held: [{ id: "n", group: "g", content: { "type.googleapis.com/x.Y": held } }],
      };
      expect(verdict({ ...fine, loyalty })).toEqual([expect.stringMatching(/^n holds of Y something else/)]);
    }
  });
});
