// @ts-check
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CHECKS, runChecks } from "./checks.mjs";
import { run, stopIfInterrupted } from "./child.mjs";
import { provideOldEnvoy } from "./envoy.mjs";
import { outcomeOf } from "./outcome.mjs";
import { prepare } from "./prepare.mjs";
import { main, ROOT } from "./steps.mjs";

const REPORT = join(ROOT, ".cache", "test-report.json");

await main(async () => {
  const envoy = await prepare();
  const oldEnvoy = await provideOldEnvoy();
  const failedChecks = await runChecks(CHECKS);
  const exitCode = await runTests({ envoy, oldEnvoy }, process.argv.slice(2));
  stopIfInterrupted();
  const { passed, failed, skipped, lines } = outcomeOf({
    report: readReport(),
    exitCode,
    checks: CHECKS.length,
    failedChecks,
    root: ROOT,
    noEnvoy: envoy.missing,
    noOldEnvoy: oldEnvoy.missing,
  });
  process.stdout.write([...lines, `${passed} passed, ${failed} failed, ${skipped} skipped`, ""].join("\n"));
  return failed === 0 ? 0 : 1;
});

/**
 * The person sees vitest's own report as it goes; the counts are read from a file.
 *
 * @param {Record<"envoy" | "oldEnvoy", import("./envoy.mjs").Envoy>} envoys
 * @param {readonly string[]} filters
 */
async function runTests({ envoy, oldEnvoy }, filters) {
  rmSync(REPORT, { force: true });
  mkdirSync(join(ROOT, ".cache"), { recursive: true });
  const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${REPORT}`, ...filters];
  if (!process.stdout.isTTY) args.push("--no-color");
  const env = {
    ...process.env,
    ...(envoy.path !== undefined && { ENVOY_BIN: envoy.path }),
    ...(oldEnvoy.path !== undefined && { ENVOY_BIN_OLD: oldEnvoy.path }),
  };
  const { code } = await run(join(ROOT, "node_modules", ".bin", "vitest"), args, { cwd: ROOT, stdio: "inherit", env });
  return code;
}

function readReport() {
  try {
    return JSON.parse(readFileSync(REPORT, "utf8"));
  } catch {
    return undefined;
  }
}
