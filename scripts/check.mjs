// @ts-check
import { join } from "node:path";
import { CHECKS, runChecks } from "./checks.mjs";
import { run } from "./child.mjs";
import { main, ROOT } from "./steps.mjs";

// Short enough to run before every commit: no Envoy, no sockets, no build.
await main(async () => {
  const failed = await runChecks(CHECKS.filter((check) => check.slow !== true));
  const vitest = join(ROOT, "node_modules", ".bin", "vitest");
  const { code } = await run(vitest, ["run", "--project", "unit"], { cwd: ROOT, stdio: "inherit" });
  return failed.length === 0 ? code : 1;
});
