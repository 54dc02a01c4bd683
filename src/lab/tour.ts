import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { allInSync, ask } from "./api.ts";
import { type CommandResult, commandLine, runBelay } from "./belay-process.ts";
import { moved } from "./lab-proxy.ts";
import { clusterTrusting, labMesh } from "./mesh-text.ts";
import type { Lab } from "./running-lab.ts";
import { shareOf } from "./tally.ts";
import { measured, number } from "./text.ts";
import { ending, exitCodeOf, type Found, notAsTold, type Played, sentenceOf, table } from "./tour-report.ts";
import { fleet } from "./world.ts";

interface Step {
  readonly name: string;
  readonly sentence: string;
  play(lab: Lab): Promise<Found>;
}

const STEPS: readonly Step[] = [
  {
    name: "before",
    sentence: "Nothing has moved yet: v1 answers everything.",
    play: (lab) => split(lab, 0, 2_000),
  },
  {
    name: "shift to 5 %",
    sentence: "Move 5 % of the traffic to v2: to one host first and, once that has acknowledged, to all.",
    play: (lab) => shift(lab, 5, "tour: a little first"),
  },
  {
    name: "shift to 50 %",
    sentence: "It looks well, so move half of it.",
    play: (lab) => shift(lab, 50, "tour: it looks well"),
  },
  {
    name: "bad configuration",
    sentence: "Apply a mesh with a cluster that trusts a file which no host has. Only an Envoy can know, and one will.",
    play: refusal,
  },
  {
    name: "kill -9",
    sentence: "Kill the control plane with -9 while traffic flows, wait, and start it again on its store.",
    play: outage,
  },
  {
    name: "rollback",
    sentence: "Take the last move back: to the state before it, byte for byte.",
    play: rollback,
  },
];

const OUTAGE_MS = 4_000;
const BACK_MS = 15_000;

/**
 * Plays the whole story, each step with a sentence before it and the figure after it, then the table.
 *
 * @returns 0, or 1 where a request failed or a step did not do what it says
 */
export async function playTour(lab: Lab): Promise<number> {
  const started = performance.now();
  say(`Belay tour: ${lab.fleet}, ${lab.rate} requests a second through them, every one of them counted.`);
  say(`The status page meanwhile: ${lab.world.server.url}/`);
  const played: Played[] = [];
  let span = lab.world.load.open();
  for (const [index, step] of STEPS.entries()) {
    say(`\n${index + 1}. ${step.sentence}`);
    const found = await play(step, lab);
    const next = lab.world.load.open();
    const counts = await span.close();
    span = next;
    const done: Played = { name: step.name, counts, ...found };
    played.push(done);
    say(`   ${sentenceOf(done)}`);
    if (found.wrong !== undefined) say(`   This is not what the step says: ${found.wrong}`);
  }
  say(`\n${table(played)}\n\n${ending(played, performance.now() - started)}`);
  return exitCodeOf(played);
}

/** A step that breaks is a step that did not do what it says; the others are played all the same. */
async function play(step: Step, lab: Lab): Promise<Found> {
  try {
    return await step.play(lab);
  } catch (error) {
    lab.signal.throwIfAborted();
    return notAsTold(error instanceof Error ? error.message : String(error));
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Runs a command before the reader's eyes. */
async function command(lab: Lab, args: readonly string[]): Promise<CommandResult & { readonly tookMs: number }> {
  const all = [...args, ...lab.serverArgs];
  say(`   $ ${commandLine(all)}`);
  const started = performance.now();
  const result = await runBelay(all);
  lab.signal.throwIfAborted();
  return { ...result, tookMs: performance.now() - started };
}

/** Looks at who answers for a while, and whether that is what was wanted. */
async function split(lab: Lab, wantedPercent: number, forMs: number): Promise<Found> {
  const span = lab.world.load.open();
  await pause(forMs, undefined, { signal: lab.signal });
  const counts = await span.close();
  const wanted = wantedPercent / 100;
  const seen = shareOf(counts, "v2");
  const short = `v2 ${measured(seen)}`;
  const facts = [`of ${number(counts.answered)} requests v2 answered ${measured(seen)}`];
  // Five standard deviations: a right split is called wrong less than once in a million tours.
  const tolerance = 5 * Math.sqrt((wanted * (1 - wanted)) / Math.max(1, counts.answered));
  if (Math.abs(seen - wanted) <= tolerance) return { facts, short };
  return { facts, short, wrong: `v2 should answer ${wantedPercent} %` };
}

async function shift(lab: Lab, wantedPercent: number, reason: string): Promise<Found> {
  const args = ["shift", "reviews", `v2=${wantedPercent}%`, "--reason", reason, "--yes"];
  return moveTo(lab, args, wantedPercent);
}

async function rollback(lab: Lab): Promise<Found> {
  return moveTo(lab, ["rollback", "--reason", "tour: enough", "--yes"], 5);
}

async function moveTo(lab: Lab, args: readonly string[], wantedPercent: number): Promise<Found> {
  const { code, stderr, tookMs } = await command(lab, args);
  if (code !== 0) return notAsTold(`the command ended with ${code}: ${stderr.trim()}`);
  const seen = await split(lab, wantedPercent, 4_000);
  return { ...seen, facts: [`all hosts had acknowledged after ${(tookMs / 1_000).toFixed(1)} s`, ...seen.facts] };
}

async function refusal(lab: Lab): Promise<Found> {
  const { world } = lab;
  const { proxies } = world;
  const file = join(world.dir, "bad.yaml");
  const missing = "/etc/ssl/billing-ca-that-no-host-has.pem";
  await writeFile(file, labMesh({ ...world.mesh, resources: clusterTrusting(missing) }));
  const before = await Promise.all(proxies.map((proxy) => proxy.refused()));
  const { code } = await command(lab, ["apply", "-f", file, "--reason", "tour: a mistake", "--yes"]);
  if (code !== 1) return notAsTold(`the command ended with ${code}, not with 1`);
  const rollout = (await ask(world.server.url))?.rollouts[0];
  const [refused] = rollout?.hosts.refused ?? [];
  if (rollout?.state !== "rolledBack" || refused === undefined) return notAsTold(`the rollout is ${rollout?.state}`);
  const after = await Promise.all(proxies.map((proxy) => proxy.refused()));
  const hosts = proxies.filter((_, index) => after[index] !== before[index]);
  const seen = await split(lab, 50, 2_000);
  const wrong = hosts.length === 1 ? seen.wrong : `${hosts.length} hosts refused it, where 1 should have seen it`;
  const words = `the first host, ${refused.node}, refused it ("${refused.error.split("\n")[0]}")`;
  const facts = [words, `it reached ${hosts.length} of ${proxies.length} and was taken back`, ...seen.facts];
  return { facts, short: `stopped at ${refused.node}`, wrong };
}

async function outage(lab: Lab): Promise<Found> {
  const { server, proxies, load } = lab.world;
  const before = await Promise.all(proxies.map((proxy) => proxy.applied()));
  say(`   $ kill -9 ${server.pid()}`);
  await server.kill();
  const span = load.open();
  await pause(OUTAGE_MS, undefined, { signal: lab.signal });
  const during = await span.close();
  const stillUp = (await ask(server.url)) !== undefined;
  await server.start();
  await fleet(server.url, BACK_MS, (said) => allInSync(said, proxies.length), lab.signal);
  const seen = await split(lab, 50, 2_000);
  const after = await Promise.all(proxies.map((proxy) => proxy.applied()));
  const applied = proxies.flatMap((proxy, i) =>
    moved(before[i] ?? new Map(), after[i] ?? new Map()).map((m) => `${proxy.id}: ${m}`),
  );
  const facts = [
    `${number(during.answered)} requests were answered without it`,
    `${applied.length === 0 ? "no Envoy" : "an Envoy"} applied anything again after the restart`,
    ...seen.facts,
  ];
  const again = applied.length === 0 ? seen.wrong : `applied again: ${applied.join(", ")}`;
  const wrong = stillUp ? "the control plane was not gone" : again;
  return { facts, short: `nothing applied again, ${seen.short}`, wrong };
}
