// @ts-check
import { join } from "node:path";
import { run } from "./child.mjs";
import { compileBenchmarks } from "./compile-benchmarks.mjs";
import { prepare } from "./prepare.mjs";
import { main, ROOT, step } from "./steps.mjs";

const OUT = join(ROOT, ".cache", "soak");

// `npm run soak` churns clients of the library for 30 minutes and fails on what leaks or is wrong; `-- --minutes N` for
// another time, `-- --seed S` to do again what an earlier run did.
await main(async () => {
  await prepare();
  const compiled = await step("Compiling the soak", () => compileBenchmarks(OUT));
  const args = [join(compiled, "soak", "main.js"), ...process.argv.slice(2)];
  const { code } = await run(process.execPath, args, { cwd: ROOT, stdio: "inherit" });
  return code;
});
