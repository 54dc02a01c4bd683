import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freeAddress } from "../../src/lab/addresses.ts";
import { type Child, startChild } from "../../src/proxy/child.ts";
import { type Fleet, startFleet } from "../envoy/harness.ts";
import { milliseconds, quantile, say, table, withEnvoy } from "./figures.ts";
import { largeMesh } from "./large-mesh.ts";

/** How soon a control plane with a mesh of some size is ready, and what it takes when nothing happens. */
const SERVICES = 100;
const RUNS = 10;
const ENVOYS = 5;
const IDLE_MS = 10_000;
const LOOK_MS = 5;
// From .cache/bench/test/bench/, which is where the runner compiles it to.
const BELAY = fileURLToPath(new URL("../../../../bin/belay", import.meta.url));

await withEnvoy(async () => {
  const dir = await mkdtemp(join(tmpdir(), "belay-bench-"));
  try {
    const mesh = join(dir, "mesh.yaml");
    const text = largeMesh(SERVICES, await freeAddress());
    await writeFile(mesh, text);
    const size = `${(text.length / 1_024).toFixed(0)} KiB of YAML`;
    say(`${SERVICES} services with two versions each and a gateway with ${SERVICES} routes, ${size}.`);
    await measureStart(dir, mesh);
    await measureMemory(text);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

async function measureStart(dir: string, mesh: string): Promise<void> {
  const cold: Start[] = [];
  const warm: Start[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const data = join(dir, `data-${run}`);
    cold.push(await timeToReady(dir, mesh, data));
    warm.push(await timeToReady(dir, mesh, data));
  }
  const floor: number[] = [];
  for (let run = 0; run < RUNS; run += 1) floor.push(await timeToEnd(dir));
  const cells = (samples: readonly number[]): string[] => [
    String(samples.length),
    ...[0, 0.5, 1].map((share) => milliseconds(quantile(samples, share))),
  ];
  const both = (starts: readonly Start[]): string[] => [
    ...cells(starts.map(({ tookMs }) => tookMs)),
    milliseconds(
      quantile(
        starts.map(({ cpuMs }) => cpuMs),
        0.5,
      ),
    ),
  ];
  table([
    ["from exec to /readyz 200", "n", "least", "p50", "max", "processor time, p50"],
    ["empty store: the file becomes revision 1", ...both(cold)],
    ["restart on that store", ...both(warm)],
    ["for comparison: node, from exec to its end", ...cells(floor)],
  ]);
}

interface Start {
  readonly tookMs: number;
  /** Of all its threads, until it was ready: what other processes take from the clock is not in it. */
  readonly cpuMs: number;
}

async function timeToReady(dir: string, mesh: string, data: string): Promise<Start> {
  const [xds, http] = [await freeAddress(), await freeAddress()];
  const args = [BELAY, "serve", "--data", data, "--mesh", mesh, "--xds", xds, "--http", http];
  const started = performance.now();
  const child = launch(dir, args);
  let ended: string | undefined;
  void child.exited.then((how) => (ended = how));
  while (!(await isReady(http))) {
    if (ended !== undefined) throw new Error(`belay serve ended (${ended}): ${await readFile(child.logFile, "utf8")}`);
    await pause(LOOK_MS);
  }
  const tookMs = performance.now() - started;
  const cpuMs = await processorTime(child.pid);
  await child.stop();
  return { tookMs, cpuMs };
}

/** User and system time: fields 14 and 15, in hundredths of a second on every Linux that Node runs on. */
async function processorTime(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function timeToEnd(dir: string): Promise<number> {
  const started = performance.now();
  await launch(dir, ["-e", "0"]).exited;
  return performance.now() - started;
}

function launch(dir: string, args: readonly string[]): Child {
  return startChild({ name: "node", command: process.execPath, args, cwd: dir, logFile: join(dir, "log") });
}

/** Without a pool of connections, so that looking often costs little. */
function isReady(http: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(`http://${http}/readyz`, { agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once("error", () => resolve(false));
  });
}

async function measureMemory(text: string): Promise<void> {
  const rows = [[`resident after ${IDLE_MS / 1_000} s without work`, "MiB", "highest so far"]];
  for (const envoys of [0, ENVOYS]) {
    const fleet = await startFleet({ envoys, mesh: () => text, versions: {} });
    await pause(IDLE_MS);
    rows.push([`${envoys} Envoys connected`, ...(await residentOf(fleet))]);
    await fleet.close();
  }
  table(rows);
}

async function residentOf({ server }: Fleet): Promise<string[]> {
  const status = await readFile(`/proc/${server.pid()}/status`, "utf8");
  const kibibytes = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]);
  return ["VmRSS", "VmHWM"].map((field) => (kibibytes(field) / 1_024).toFixed(0));
}
