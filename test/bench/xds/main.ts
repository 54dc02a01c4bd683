import { type ChildProcess, spawn } from "node:child_process";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { say, table } from "../figures.ts";
import { machineLines } from "../machine.ts";
import type { Figures } from "./cases.ts";
import { CASES } from "./cases.ts";
import type { Measured } from "./report.ts";
import { BELAY, rowsOf } from "./report.ts";

// Runs each case against each server, one after the other, each in processes of its own. scripts/bench-xds.mjs starts it.

/** A case that takes longer has failed. */
const CASE_MS = 90_000;

const { values: options } = parseArgs({
  options: {
    /** Words; the cases are run whose names hold one of them. */
    cases: { type: "string", default: "" },
    runs: { type: "string", default: "1" },
    /** The peer's binary. */
    peer: { type: "string" },
    /** A folder for CPU profiles of Belay's server. */
    profile: { type: "string" },
    /** Options of Node for Belay's server, between spaces, `--no-opt` for one. */
    node: { type: "string", default: "" },
  },
});

const words = options.cases.split(",").map((word) => word.trim());
const cases = CASES.filter(({ name }) => words.some((word) => name.includes(word)));
const runs = Number(options.runs);
if (cases.length === 0 || !(runs >= 1 && runs <= 20)) {
  process.stderr.write("Nothing to measure: --cases takes words of these names, --runs 1 to 20.\n");
  process.stderr.write(`${CASES.map(({ name }) => `  ${name}\n`).join("")}`);
  process.exit(2);
}

const servers = serversOf(options.peer, [...nodeOptions(options.node), ...profiling(options.profile)]);
process.stdout.write(`${(await machineLines()).join("\n")}\n`);
say(`${cases.length} cases, ${runs} ${runs === 1 ? "run" : "runs"} each; medians.`);
say("Client and server share the machine; loopback, no TLS. Only ratios within one run count.");
process.stdout.write("\n");

/** The client that runs now: it ends with us, and its server with it. */
let current: ChildProcess | undefined;
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.on(signal, () => {
    current?.kill();
    process.exit(code);
  });
}

const measured: Measured[] = [];
let failures = 0;
for (const one of cases) {
  for (let run = 1; run <= runs; run += 1) {
    for (const [server, command] of servers) {
      const figures = await measure(one.name, server, command);
      if (figures === undefined) failures += 1;
      else measured.push({ of: one.name, server, figures });
    }
  }
}
process.stdout.write("\n");
table(rowsOf(measured, [...servers.keys()], cases));
say(`load ${loadavg()[0]?.toFixed(2)} after (1 minute, ours included)`);
if (failures > 0) say(`${failures} runs failed; what they said is above.`);
process.exitCode = failures > 0 ? 1 : 0;

function nodeOptions(words: string): readonly string[] {
  return words.split(" ").filter((word) => word !== "");
}

function profiling(folder: string | undefined): readonly string[] {
  return folder === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", folder];
}

function serversOf(peer: string | undefined, flags: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const all = new Map([[BELAY, [process.execPath, ...flags, fileOf("server.js")]]]);
  if (peer === undefined) return all;
  return all.set("gcp snapshot", [peer, "-cache", "snapshot"]).set("gcp linear", [peer, "-cache", "linear"]);
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** The figures of one run, or undefined where it failed. */
function measure(name: string, server: string, command: readonly string[]): Promise<Figures | undefined> {
  const load = loadavg()[0] ?? 0;
  const started = performance.now();
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(process.execPath, [fileOf("load.js"), name, ...command], {
      stdio: ["ignore", "pipe", "inherit"],
      timeout: CASE_MS,
    });
    current = child;
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("close", (code) => {
      const took = `${((performance.now() - started) / 1_000).toFixed(1)} s`;
      say(`${name}, ${server}: ${code === 0 ? took : `failed after ${took}`} (load ${load.toFixed(1)})`);
      resolve(code === 0 ? (JSON.parse(output) as Figures) : undefined);
    });
  });
}
