import type { WriteStream } from "node:tty";
import { ask, NOTHING_SAID, type Said } from "./api.ts";
import type { Lab } from "./running-lab.ts";
import { openScreen } from "./screen.ts";
import { elapsed, number } from "./text.ts";
import { type Moment, plainLine, RECENT_SECONDS, view } from "./view.ts";

const ASK_MS = 500;
const DRAW_MS = 250;
const LINE_MS = 3_000;

/**
 * Shows the lab until its signal: drawn in place on a terminal, a line every few seconds elsewhere. Ends with what was
 * counted.
 */
export async function watchTerminal(lab: Lab, commands: readonly string[], out: WriteStream): Promise<void> {
  const started = performance.now();
  const known = keepAsking(lab);
  const moment = (): Moment => ({
    ...momentOf(lab, commands, known.latest()),
    upMs: performance.now() - started,
  });
  await known.first;
  if (out.isTTY) await drawUntilEnd(lab, moment, out);
  else await printUntilEnd(lab, moment, out);
  known.stop();
  const { sent, failed } = lab.world.load.total.counts();
  out.write(`${number(sent)} requests in ${elapsed(performance.now() - started)}, ${number(failed)} failed.\n`);
}

interface Known {
  readonly said: Said;
  readonly awayMs?: number;
}

/** Asks the control plane over and over; while it is away, what it said last stands. */
function keepAsking(lab: Lab): { readonly first: Promise<void>; latest(): Known; stop(): void } {
  let said: Said = NOTHING_SAID;
  let awaySince: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const once = async (): Promise<void> => {
    const answer = await ask(lab.world.server.url);
    if (answer !== undefined) said = answer;
    awaySince = answer === undefined ? (awaySince ?? performance.now()) : undefined;
    if (!stopped) timer = setTimeout(() => void once(), ASK_MS);
  };
  return {
    first: once(),
    latest: () => (awaySince === undefined ? { said } : { said, awayMs: performance.now() - awaySince }),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

function momentOf(lab: Lab, commands: readonly string[], known: Known): Omit<Moment, "upMs"> {
  const { world, fleet, rate } = lab;
  return {
    ...known,
    fleet,
    rate,
    versions: Object.keys(world.mesh.versions),
    total: world.load.total.counts(),
    latency: world.load.total.latency(),
    recent: world.load.recent(RECENT_SECONDS),
    page: `${world.server.url}/`,
    commands,
  };
}

async function drawUntilEnd({ signal }: Lab, moment: () => Moment, out: WriteStream): Promise<void> {
  const draw = (): void => screen.draw(view(moment(), screen.size()));
  const screen = openScreen(out, out.hasColors(), draw);
  draw();
  const timer = setInterval(draw, DRAW_MS);
  await aborted(signal);
  clearInterval(timer);
  screen.close();
}

async function printUntilEnd({ signal, fleet, rate }: Lab, moment: () => Moment, out: WriteStream): Promise<void> {
  const { page, commands } = moment();
  out.write(`Belay lab: ${fleet}, ${rate} requests a second through them. Ctrl-C ends all of it.\n`);
  out.write(`Status page ${page}\nTo try, in another terminal:\n${commands.join("\n")}\n`);
  const timer = setInterval(() => out.write(`${plainLine(moment())}\n`), LINE_MS);
  await aborted(signal);
  clearInterval(timer);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
