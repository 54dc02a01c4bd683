// @ts-check
import { join } from "node:path";
import { run } from "./child.mjs";
import { compileBenchmarks } from "./compile-benchmarks.mjs";
import { prepare } from "./prepare.mjs";
import { main, must, ROOT, step } from "./steps.mjs";

const OUT = join(ROOT, ".cache", "bench-xds");
const PEER = join(ROOT, ".cache", "bench-xds-peer");

// `npm run bench:xds` measures what serving xDS costs, `-- --peer` beside go-control-plane, `-- --cases acks,idle`
// the cases whose names hold a word, `-- --runs 3` with medians of three, `-- --profile DIR` with CPU profiles,
// `-- --node=--no-opt` with these options of Node for Belay's server.
await main(async () => {
  const envoy = await prepare();
  const compiled = await step("Compiling the benchmarks", () => compileBenchmarks(OUT));
  const words = process.argv.slice(2);
  const args = words.filter((word) => word !== "--peer");
  if (words.includes("--peer") && (await buildPeer())) args.push("--peer", PEER);
  const env = envoy.path === undefined ? process.env : { ...process.env, ENVOY_BIN: envoy.path };
  const { code } = await run(process.execPath, [join(compiled, "xds", "main.js"), ...args], {
    cwd: ROOT,
    stdio: "inherit",
    env,
  });
  return code;
});

/** Whether there is a peer to compare with: it needs Go. */
async function buildPeer() {
  const { code } = await run("go", ["version"]);
  if (code !== 0) {
    process.stderr.write("The peer is left out: there is no Go on this machine to build it with.\n");
    return false;
  }
  const cwd = join(ROOT, "test", "bench", "peer");
  await step("Building the peer", () => must("go", ["build", "-o", PEER, "."], { cwd }));
  return true;
}
