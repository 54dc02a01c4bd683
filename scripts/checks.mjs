// @ts-check
import { join } from "node:path";
import { run, stopIfInterrupted } from "./child.mjs";
import { ROOT } from "./steps.mjs";

/** @param {string} name */
const bin = (name) => join(ROOT, "node_modules", ".bin", name);
const LINTED = ["src", "test", "scripts", "vitest.config.ts"];

/** @typedef {{ name: string, command: string, args: string[], slow?: boolean }} Check */

/**
 * What is checked without running anything of ours. Each is one test in the count.
 *
 * @type {readonly Check[]}
 */
export const CHECKS = [
  { name: "core is pure (tsc)", command: bin("tsc"), args: ["-p", "src/core"] },
  { name: "types (tsc)", command: bin("tsc"), args: ["-p", "tsconfig.test.json"] },
  { name: "floors and lint (oxlint)", command: bin("oxlint"), args: LINTED },
  { name: "format and imports (biome)", command: bin("biome"), args: ["check", "."] },
  { name: "nothing unused (knip)", command: bin("knip"), args: ["--no-progress"], slow: true },
];

/**
 * Runs the checks one after the other and shows the output of those that fail.
 *
 * @param {readonly Check[]} checks
 * @returns {Promise<string[]>} the names of those that failed
 */
export async function runChecks(checks) {
  const failed = [];
  for (const { name, command, args } of checks) {
    const { code, output } = await run(command, args, { cwd: ROOT });
    stopIfInterrupted();
    process.stdout.write(`${code === 0 ? "ok" : "FAILED"}  ${name}\n`);
    if (code === 0) continue;
    process.stdout.write(`${output.trimEnd()}\n`);
    failed.push(name);
  }
  return failed;
}
