// @ts-check
import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { must, ROOT } from "./steps.mjs";

/**
 * Compiles test/bench beside a link to dist/, so that what is measured is what ships.
 *
 * @param {string} out a folder that is made anew
 * @returns {Promise<string>} the folder of the compiled benchmarks
 */
export async function compileBenchmarks(out) {
  rmSync(out, { recursive: true, force: true });
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  await must(process.execPath, [tsc, "-p", "tsconfig.bench.json", "--outDir", out]);
  rmSync(join(out, "src"), { recursive: true, force: true });
  symlinkSync(join(ROOT, "dist"), join(out, "src"));
  return join(out, "test", "bench");
}
