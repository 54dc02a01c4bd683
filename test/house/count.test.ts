import { execFile } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { outcomeOf } from "../../scripts/outcome.mjs";
import { ROOT } from "./planted-tree.ts";

const file = (name: string, ...statuses: readonly string[]) => ({
  name: `/repo/${name}`,
  status: statuses.includes("failed") ? "failed" : "passed",
  message: "",
  assertionResults: statuses.map((status, index) => ({ status, fullName: `does ${index}` })),
});
const base = { exitCode: 0, checks: 5, failedChecks: [] as string[], root: "/repo", noEnvoy: undefined };

describe("the count of npm test", () => {
  test("adds tests and checks up", () => {
    const report = { testResults: [file("test/a.test.ts", "passed", "passed"), file("test/b.test.ts", "passed")] };
    expect(outcomeOf({ ...base, report })).toEqual({ passed: 8, failed: 0, skipped: 0, lines: [] });
  });

  test("names what failed, checks included", () => {
    const report = { testResults: [file("test/a.test.ts", "passed", "failed")] };
    expect(outcomeOf({ ...base, report, exitCode: 1, failedChecks: ["types (tsc)"] })).toEqual({
      passed: 5,
      failed: 2,
      skipped: 0,
      lines: ["failed   types (tsc)", "failed   test/a.test.ts: does 1"],
    });
  });

  test("names what was skipped and why", () => {
    const report = {
      testResults: [file("test/envoy/a.test.ts", "skipped"), file("test/b.test.ts", "passed", "todo", "pending")],
    };
    expect(outcomeOf({ ...base, report, noEnvoy: "pip failed" })).toMatchObject({
      skipped: 3,
      lines: [
        "skipped  test/envoy/a.test.ts: does 0 (no Envoy: pip failed)",
        "skipped  test/b.test.ts: does 1 (still to be written)",
        "skipped  test/b.test.ts: does 2 (skipped by the test itself, or by a filter)",
      ],
    });
  });

  test("says of tests of both Envoys that there is no older one", () => {
    const report = { testResults: [file("test/envoy/a.test.ts", "passed", "skipped")] };
    expect(outcomeOf({ ...base, report, noOldEnvoy: "pip failed" }).lines).toEqual([
      "skipped  test/envoy/a.test.ts: does 1 (no older Envoy: pip failed)",
    ]);
  });

  test("counts a file that does not load as failed", () => {
    const broken = { ...file("test/a.test.ts"), status: "failed", message: "Cannot find module\n  at x" };
    expect(outcomeOf({ ...base, report: { testResults: [broken] }, exitCode: 1 })).toMatchObject({
      failed: 1,
      lines: ["failed   test/a.test.ts: Cannot find module"],
    });
  });

  test("counts a group whose preparation broke as failed, besides its skipped tests", () => {
    const broken = { ...file("test/a.test.ts", "passed", "skipped"), status: "failed", message: "no port is free" };
    expect(outcomeOf({ ...base, report: { testResults: [broken] }, exitCode: 1 })).toMatchObject({
      failed: 1,
      skipped: 1,
      lines: [expect.stringContaining("does 1"), "failed   test/a.test.ts: no port is free"],
    });
  });

  test("is never a success where the runner failed, wrote no report, or ran nothing", () => {
    const passing = { testResults: [file("test/a.test.ts", "passed")] };
    expect(outcomeOf({ ...base, report: passing, exitCode: 1 }).failed).toBe(1);
    expect(outcomeOf({ ...base, report: undefined, exitCode: 0 }).failed).toBe(1);
    expect(outcomeOf({ ...base, report: { testResults: [] }, exitCode: 0 }).failed).toBe(1);
  });
});

describe(".ci/run", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "belay-ci-"));
    await cp(join(ROOT, ".ci"), join(root, ".ci"), { recursive: true });
  });
  afterEach(() => rm(root, { recursive: true }));

  /** The script with a stand-in for npm that prints what `npm test` would, and ends with the code. */
  async function ci(says: string, code: number): Promise<{ code: number; last: string | undefined; all: string }> {
    await mkdir(join(root, "tools"));
    await writeFile(join(root, "tools", "npm"), `#!/bin/sh\necho "$*"\nprintf '${says}'\nexit ${code}\n`);
    await chmod(join(root, "tools", "npm"), 0o755);
    const PATH = [join(root, "tools"), dirname(process.execPath), process.env["PATH"]].join(":");
    const env = { PATH, CI: "true", ENVOY_BIN: "/any", ENVOY_BIN_OLD: "/any" };
    return new Promise((resolve) => {
      execFile("bash", [join(root, ".ci", "run")], { env }, (error, stdout) => {
        const exit = error === null ? 0 : Number(error.code);
        resolve({ code: exit, last: stdout.trimEnd().split("\n").at(-1), all: stdout });
      });
    });
  }

  test("runs the README's command and ends with the count alone on a line", async () => {
    const { code, last, all } = await ci("12 passed, 0 failed, 0 skipped\\n", 0);
    expect({ code, last }).toEqual({ code: 0, last: "12 passed, 0 failed" });
    expect(all.split("\n")[0]).toBe("test");
  });

  test("fails where a test failed", async () => {
    expect(await ci("11 passed, 1 failed, 0 skipped\\n", 1)).toMatchObject({ code: 1, last: "11 passed, 1 failed" });
  });

  test("fails where anything was skipped", async () => {
    const { code, last, all } = await ci("11 passed, 0 failed, 2 skipped\\n", 0);
    expect({ code, last }).toEqual({ code: 1, last: "11 passed, 2 failed" });
    expect(all).toContain("2 tests were skipped");
  });

  test("fails where the tests ended badly without saying so, or without a count", async () => {
    expect(await ci("11 passed, 0 failed, 0 skipped\\n", 1)).toMatchObject({ code: 1, last: "11 passed, 1 failed" });
    await rm(join(root, "tools"), { recursive: true });
    expect(await ci("killed\\n", 0)).toMatchObject({ code: 1 });
  });
});
