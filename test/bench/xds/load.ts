import { setTimeout as pause } from "node:timers/promises";
import { quantile } from "../figures.ts";
import type { Case, Figures, Scenario } from "./cases.ts";
import { CASES } from "./cases.ts";
import { Fleet, type FleetPlan } from "./fleet.ts";
import { markOf, nameOf } from "./order.ts";
import { cpuMs, forgetPeak, ownCpuMs, peakMib, residentMib } from "./process-figures.ts";
import { ServerProcess } from "./server-process.ts";
import { encodeHeld, encodeNames, TYPE_URLS } from "./wire.ts";

// `node load.js CASE COMMAND…`: one case against one server, in a process of its own; prints the figures as JSON.

const GROUP = "fleet";
const BETWEEN_CHANGES_MS = 100;
const IDLE_MS = 10_000;
const GONE_MS = 1_000;
const RESEND_MS = 3_000;
const REFUSING_MS = 2_000;
const ACKS_A_STREAM = 2_000;
const STALLED_WINDOW = 65_535;

const [caseName, ...command] = process.argv.slice(2);
const found = CASES.find(({ name }) => name === caseName);
if (found === undefined) throw new Error(`there is no case ${caseName}`);
const current: Case = found;
const server = await ServerProcess.start(command);

const SCENARIOS: Readonly<Record<Scenario, () => Promise<Figures>>> = { push, idle, reconnect, acks, slow, nack };

const began = ownCpuMs();
const figures = await SCENARIOS[current.scenario]();
process.stdout.write(`${JSON.stringify({ ...figures, clientCpu: ownCpuMs() - began })}\n`);
await server.stop();
process.exit(0);

function plan(changes: Partial<FleetPlan> = {}): FleetPlan {
  const { streams, perConnection, dialect, kind, namesEach, endpoints, clusters } = current;
  const all = kind === "endpoints" && namesEach === 0 ? encodeNames(range(0, endpoints)) : undefined;
  return {
    port: server.port,
    streams,
    perConnection,
    dialect,
    group: GROUP,
    typeUrl: TYPE_URLS[kind],
    names: (stream) => (namesEach === 0 ? all : encodeNames(range(stream * namesEach, namesEach))),
    expected: kind === "clusters" ? clusters : namesEach || endpoints,
    ...changes,
  };
}

function range(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, n) => nameOf((from + n) % current.endpoints));
}

/** Fills the server and lets the fleet come. */
async function arrive(changes: Partial<FleetPlan> = {}): Promise<{ fleet: Fleet; figures: Figures }> {
  const { clusters, endpoints, padding } = current;
  await server.tell({ do: "fill", group: GROUP, clusters, endpoints, padding });
  const cpu = cpuMs(server.pid);
  const started = performance.now();
  const fleet = new Fleet(plan(changes));
  await fleet.synced();
  const sync = performance.now() - started;
  await pause(BETWEEN_CHANGES_MS);
  return { fleet, figures: { sync, syncCpu: cpuMs(server.pid) - cpu } };
}

/** Makes the changes one after the other; latencies are pooled over all streams and changes. */
async function series(fleet: Fleet, firstRound: number): Promise<Figures> {
  const { changes, changed, kind, streams } = current;
  const latencies: number[] = [];
  const [cpu, bytes] = [cpuMs(server.pid), fleet.bytes];
  forgetPeak(server.pid);
  for (let n = 0; n < changes; n += 1) {
    const arrivals = fleet.received(markOf(firstRound + n), changed);
    const from = performance.now();
    await server.tell({ do: "change", kind, count: changed });
    for (const at of await arrivals) latencies.push(at - from);
    await pause(BETWEEN_CHANGES_MS);
  }
  return {
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    cpu: (cpuMs(server.pid) - cpu) / changes,
    bytes: (fleet.bytes - bytes) / changes / streams,
    peak: peakMib(server.pid),
  };
}

async function push(): Promise<Figures> {
  const { fleet, figures: first } = await arrive();
  return { ...first, ...(await series(fleet, 1)) };
}

async function idle(): Promise<Figures> {
  const before = residentMib(server.pid);
  const { figures: first } = await arrive();
  await pause(IDLE_MS);
  const resident = residentMib(server.pid);
  return { ...first, resident, perStream: ((resident - before) * 1_024) / current.streams };
}

/** All leave; what they come back with is what they were sent. */
async function reconnect(): Promise<Figures> {
  const { dialect, changes, changed, kind, streams } = current;
  const { fleet: before } = await arrive({ notesVersions: dialect === "delta" });
  const version = before.streams[0]?.version ?? "";
  const claim = dialect === "delta" ? { held: encodeHeld(before.versions) } : { version };
  before.close();
  await pause(GONE_MS);
  if (changes > 0) await server.tell({ do: "change", kind, count: changed });
  const cpu = cpuMs(server.pid);
  forgetPeak(server.pid);
  const started = performance.now();
  const fleet = new Fleet(plan({ claim, expected: changed }));
  let back: number | undefined;
  if (changes > 0) {
    await fleet.synced();
    back = performance.now() - started;
    await pause(GONE_MS);
  } else await pause(RESEND_MS);
  return {
    ...(back !== undefined && { back }),
    backCpu: cpuMs(server.pid) - cpu,
    again: fleet.bytes / streams,
    peak: peakMib(server.pid),
  };
}

/** Every stream repeats its last ACK, and asks for clusters behind it: the answer to that says that all were taken in. */
async function acks(): Promise<Figures> {
  const { fleet } = await arrive();
  let left = current.streams;
  const allIn = new Promise<void>((resolve) => {
    fleet.onOtherType = () => {
      left -= 1;
      if (left === 0) resolve();
    };
  });
  const cpu = cpuMs(server.pid);
  forgetPeak(server.pid);
  const started = performance.now();
  for (const stream of fleet.streams) {
    stream.acknowledgeAgain(ACKS_A_STREAM);
    stream.ask(TYPE_URLS.clusters);
  }
  await allIn;
  const tookS = (performance.now() - started) / 1_000;
  const total = ACKS_A_STREAM * current.streams;
  return { acks: total / tookS, ackCpu: ((cpuMs(server.pid) - cpu) * 1_000) / total, peak: peakMib(server.pid) };
}

/** The same changes without and with a client that synced and never reads again. */
async function slow(): Promise<Figures> {
  const { fleet } = await arrive();
  const without = await series(fleet, 1);
  const stalled = new Fleet(plan({ streams: 1, idPrefix: "stalled", window: STALLED_WINDOW, stalls: true }));
  await stalled.synced();
  const beside = await series(fleet, 1 + current.changes);
  return { without: without.p99 ?? 0, with: beside.p99 ?? 0, peak: beside.peak ?? 0 };
}

async function nack(): Promise<Figures> {
  const { fleet } = await arrive();
  fleet.refuses = true;
  const [messages, cpu] = [fleet.messages, cpuMs(server.pid)];
  await server.tell({ do: "change", kind: current.kind, count: current.changed });
  await pause(REFUSING_MS);
  return { answers: fleet.messages - messages, cpu: cpuMs(server.pid) - cpu };
}
