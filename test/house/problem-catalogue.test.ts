import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PROBLEM_CODES } from "../../src/core/failure/problem-codes.ts";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("docs/problems.md", root), "utf8");
const rows = page
  .split("\n")
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .filter((cells) => /^`[a-z-]+`$/.test(cells[1] ?? ""))
  .map((cells) => ({ code: (cells[1] ?? "").replaceAll("`", ""), means: cells[2], remedy: cells[3], cells }));

/** All of the source but the list itself: that a code is in the list is no use of it. */
const source = readdirSync(new URL("src", root), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.endsWith("problem-codes.ts"))
  .map((path) => readFileSync(new URL(`src/${path}`, root), "utf8"))
  .join("\n");

describe("docs/problems.md", () => {
  test("lists every code of the source, and no other, in its order", () => {
    // That the source uses no code outside of the list is the compiler's to say: `Problem.code` is of its type.
    expect(rows.map(({ code }) => code)).toEqual([...PROBLEM_CODES]);
  });

  test("has no code that nothing reports any more", () => {
    expect(PROBLEM_CODES.filter((code) => !source.includes(`"${code}"`))).toEqual([]);
  });

  test("says for each what it means and what to do", () => {
    for (const { code, means, remedy, cells } of rows) {
      expect([code, cells.length, (means ?? "").length > 15, (remedy ?? "").length > 9]).toEqual([code, 5, true, true]);
    }
  });

  test("the list is sorted, each code once, in kebab-case", () => {
    expect([...new Set(PROBLEM_CODES)].sort()).toEqual([...PROBLEM_CODES]);
    expect(PROBLEM_CODES.filter((code) => !/^[a-z]+(-[a-z]+)*$/.test(code))).toEqual([]);
  });
});
