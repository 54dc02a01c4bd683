// @ts-check
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { run, stopIfInterrupted } from "./child.mjs";
import { compileBenchmarks } from "./compile-benchmarks.mjs";
import { prepare } from "./prepare.mjs";
import { main, ROOT, StepFailed, step } from "./steps.mjs";

const OUT = join(ROOT, ".cache", "bench");
const COMPILED = join(OUT, "test", "bench");

// `npm run bench` runs all of test/bench/*.bench.ts, `npm run bench -- store rollback` those whose names hold a word.
await main(async () => {
  const envoy = await prepare();
  await step("Compiling the benchmarks", () => compileBenchmarks(OUT));
  const words = process.argv.slice(2);
  const files = readdirSync(COMPILED)
    .filter((name) => name.endsWith(".bench.js"))
    .filter((name) => words.length === 0 || words.some((word) => name.includes(word)));
  if (files.length === 0) throw new StepFailed("There is no benchmark of that name in test/bench.");
  const env = envoy.path === undefined ? process.env : { ...process.env, ENVOY_BIN: envoy.path };
  await printMachine();
  let worst = 0;
  for (const file of files) {
    process.stdout.write(`\n${file.replace(/\.bench\.js$/, "")}\n`);
    const { code } = await run(process.execPath, [join(COMPILED, file)], { cwd: ROOT, stdio: "inherit", env });
    stopIfInterrupted();
    worst = Math.max(worst, code);
  }
  return worst;
});

async function printMachine() {
  const { machineLines } = await import(pathToFileURL(join(COMPILED, "machine.js")).href);
  process.stdout.write(`${(await machineLines()).join("\n")}\n`);
}
