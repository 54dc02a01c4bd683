// @ts-check
import { relative } from "node:path";

/** Folders whose tests need a real Envoy. */
const NEEDS_ENVOY = /^test\/(envoy|chaos|lab|proxy)\//;

/**
 * Sums up vitest's JSON report and the checks.
 *
 * @param {object} input
 * @param {any} input.report what vitest's JSON reporter wrote; undefined where it wrote nothing
 * @param {number} input.exitCode vitest's
 * @param {number} input.checks how many checks ran
 * @param {readonly string[]} input.failedChecks
 * @param {string} input.root
 * @param {string | undefined} input.noEnvoy why there is no Envoy
 * @param {string | undefined} [input.noOldEnvoy] why there is no older Envoy beside it
 * @returns {{ passed: number, failed: number, skipped: number, lines: string[] }} lines name what failed or was skipped
 */
export function outcomeOf({ report, exitCode, checks, failedChecks, root, noEnvoy, noOldEnvoy }) {
  const passed = checks - failedChecks.length;
  const failures = failedChecks.map((name) => `failed   ${name}`);
  const skips = [];
  let passedTests = 0;
  for (const file of report?.testResults ?? []) {
    const path = relative(root, file.name);
    const results = file.assertionResults ?? [];
    // Broken before its first test, or in what a group of tests has in common: no test failed, but it is no success.
    const broken = file.status === "failed" && results.every((/** @type {any} */ { status }) => status !== "failed");
    if (broken) failures.push(`failed   ${path}: ${firstLine(file.message)}`);
    for (const { status, fullName } of results) {
      if (status === "passed") passedTests += 1;
      else if (status === "failed") failures.push(`failed   ${path}: ${fullName}`);
      else skips.push(`skipped  ${path}: ${fullName} (${whySkipped({ path, status, noEnvoy, noOldEnvoy })})`);
    }
  }
  // Errors outside of any test, or no report at all: vitest knows of a failure that the counts do not show.
  if (exitCode !== 0 && failures.length === 0) failures.push(`failed   vitest ended with ${exitCode}`);
  if (passedTests === 0 && failures.length === 0) failures.push("failed   no test ran");
  return {
    passed: passed + passedTests,
    failed: failures.length,
    skipped: skips.length,
    lines: [...skips, ...failures],
  };
}

/** @param {{ path: string, status: string, noEnvoy: string | undefined, noOldEnvoy: string | undefined }} skipped */
function whySkipped({ path, status, noEnvoy, noOldEnvoy }) {
  if (status === "todo") return "still to be written";
  if (noEnvoy !== undefined && NEEDS_ENVOY.test(path)) return `no Envoy: ${noEnvoy}`;
  if (noOldEnvoy !== undefined && NEEDS_ENVOY.test(path)) return `no older Envoy: ${noOldEnvoy}`;
  return "skipped by the test itself, or by a filter";
}

/** @param {string | undefined} text */
function firstLine(text) {
  return (text ?? "").split("\n")[0] || "did not load";
}
