import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CONTROL_ERROR_CODES, ControlError } from "../../src/core/failure/control-error.ts";
import { failed } from "../../src/http/answer.ts";

const page = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
const rows = page
  .split("\n")
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .filter((cells) => /^`[a-z-]+`$/.test(cells[1] ?? ""))
  .map((cells) => ({ code: (cells[1] ?? "").replaceAll("`", ""), status: cells[2], exit: cells[3], remedy: cells[5] }));

describe("docs/errors.md", () => {
  test("lists every code of the source, and no other, in its order", () => {
    expect(rows.map((row) => row.code)).toEqual([...CONTROL_ERROR_CODES]);
  });

  test("gives each code the status that the HTTP edge answers with", () => {
    for (const code of CONTROL_ERROR_CODES) {
      const row = rows.find((candidate) => candidate.code === code);
      expect(Number(row?.status)).toBe(failed(new ControlError(code, "")).status);
    }
  });

  test("gives each code a status of an error, an exit code of the contract, and a remedy", () => {
    for (const { status, exit, remedy } of rows) {
      expect(Number(status)).toBeGreaterThanOrEqual(400);
      expect(Number(status)).toBeLessThanOrEqual(599);
      expect(["1", "2", "3", "4", "5"]).toContain(exit);
      expect(remedy?.length).toBeGreaterThan(10);
    }
  });
});
