// @ts-check
import { join } from "node:path";
import { run } from "./child.mjs";
import { prepare } from "./prepare.mjs";
import { main, ROOT } from "./steps.mjs";

await main(async () => {
  const envoy = await prepare();
  const env = envoy.path === undefined ? process.env : { ...process.env, ENVOY_BIN: envoy.path };
  const args = [join(ROOT, "bin", "belay"), "lab", ...process.argv.slice(2)];
  const { code } = await run(process.execPath, args, { stdio: "inherit", env });
  return code;
});
