import type { WriteStream } from "node:tty";
import { loadCodec } from "../file/schema-set.ts";
import { findEnvoy } from "../proxy/find-envoy.ts";
import { commandLine } from "./belay-process.ts";
import { startBuiltInClient } from "./built-in-client.ts";
import { labBootstrap } from "./envoy-bootstrap.ts";
import { startLabEnvoy } from "./lab-proxy.ts";
import { Lifetimes } from "./lifetimes.ts";
import type { Lab } from "./running-lab.ts";
import { watchTerminal } from "./terminal.ts";
import { playTour } from "./tour.ts";
import { HTTP_PORT, type StartProxy, startWorld } from "./world.ts";

export interface LabOptions {
  readonly envoys: number;
  /** Plays the whole story by itself and ends. */
  readonly tour: boolean;
  /** `127.0.0.1:PORT`; where it is not given the usual one, or a free one if that is taken. */
  readonly http?: string | undefined;
  readonly xds?: string | undefined;
}

const RATE = 400;
const USAGE = 2;
const INTERRUPTED = 130;

/**
 * A whole small world on loopback, until Ctrl-C or the end of the tour. No process is left behind, whatever ends it.
 *
 * @returns the exit code: 0, 2 for an address that is none, or 1 where a step of the tour did not do what it says or a request failed in it
 */
export async function runLab(options: LabOptions): Promise<number> {
  for (const flag of ["http", "xds"] as const) {
    const address = options[flag];
    if (address === undefined || /^[\w.-]+:\d{1,5}$/.test(address)) continue;
    process.stderr.write(`--${flag} ${address}: write HOST:PORT, for example 127.0.0.1:7070\n`);
    return USAGE;
  }
  const lifetimes = new Lifetimes();
  const ending = endOnSignals();
  const running = run(options, lifetimes, ending.signal);
  const interrupted = new Promise<"interrupted">((resolve) => {
    ending.signal.addEventListener("abort", () => resolve("interrupted"), { once: true });
  });
  try {
    const result = await Promise.race([running, interrupted]);
    if (result !== "interrupted") return result;
    await lifetimes.close();
    // What was under way has lost its world by now: how it fails says nothing.
    await running.catch(() => {});
    return options.tour ? INTERRUPTED : 0;
  } catch (error) {
    process.stderr.write(`The lab cannot go on: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await lifetimes.close();
    ending.stop();
  }
}

async function run(options: LabOptions, lifetimes: Lifetimes, signal: AbortSignal): Promise<number> {
  const { envoys, http, xds, tour } = options;
  const { startProxy, name } = await chooseProxy();
  process.stderr.write(`Starting a control plane, ${envoys} ${name(envoys)}, and a steady load, all on 127.0.0.1.\n`);
  const world = await startWorld({ envoys, rate: RATE, http, xds, startProxy, signal }, lifetimes);
  const usual = world.server.url === `http://127.0.0.1:${HTTP_PORT}`;
  const serverArgs = usual ? [] : ["--server", world.server.url];
  const lab: Lab = { world, fleet: `${envoys} ${name(envoys)}`, rate: RATE, serverArgs, signal };
  if (tour) return playTour(lab);
  await watchTerminal(lab, commandsToTry(serverArgs), process.stdout as WriteStream);
  return 0;
}

interface Chosen {
  readonly startProxy: StartProxy;
  readonly name: (count: number) => string;
}

/** Real Envoys; where none can be had the built-in client, and that is said. */
async function chooseProxy(): Promise<Chosen> {
  const envoy = await findEnvoy();
  if ("missing" in envoy) {
    process.stderr.write(`Going on without a real Envoy (${envoy.missing}): a built-in client stands in for it.\n`);
    const codec = await loadCodec();
    return {
      startProxy: (place) => startBuiltInClient(place, codec),
      name: (count) => `built-in client${count === 1 ? "" : "s"}`,
    };
  }
  const startProxy: StartProxy = (place) =>
    startLabEnvoy({ ...place, binary: envoy.path, bootstrap: labBootstrap(place.id, place.xds) });
  return { startProxy, name: (count) => `Envoy${count === 1 ? "" : "s"} ${envoy.version}` };
}

/** Each is ready to paste. */
export function commandsToTry(serverArgs: readonly string[]): string[] {
  const commands = [
    ["shift", "reviews", "v2=5%", "--reason", "try it", "--yes"],
    ["fleet"],
    ["rollback", "--reason", "undo", "--yes"],
  ];
  return commands.map((args) => commandLine([...args, ...serverArgs]));
}

interface Ending {
  readonly signal: AbortSignal;
  stop(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The first signal ends in good order; the second at once, and our children with us. */
function endOnSignals(): Ending {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  // A reader that has gone, as in `npm start | head`, is a reason to end, not to fail.
  const onPipe = (): void => controller.abort();
  process.stdout.on("error", onPipe);
  return {
    signal: controller.signal,
    stop: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
      process.stdout.off("error", onPipe);
    },
  };
}
