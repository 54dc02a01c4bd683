import { setTimeout as pause } from "node:timers/promises";
import type { RolloutObject } from "../../src/http/contract.ts";
import { labMesh } from "../../src/lab/mesh-text.ts";
import { eventually, type Fleet, startFleet } from "../envoy/harness.ts";
import { milliseconds, quantile, say, TIMES, table, timesOf, withEnvoy } from "./figures.ts";
import { type JournalWatch, watchJournal } from "./journal-watch.ts";

/** How long a command takes to reach every Envoy and to be acknowledged, under load. */
const ENVOYS = 5;
const RATE = 200;
const SHIFTS = 100;
/** Half of them take a cluster away, half bring one back. */
const ROLLBACKS = 60;
const COMMANDS = 20;

/** Milliseconds from the sending of the request. */
interface Timed {
  readonly first: number;
  readonly done: number;
}

interface Place {
  readonly fleet: Fleet;
  readonly watch: JournalWatch;
  /** The mesh without and with the third version. */
  readonly two: string;
  readonly three: string;
}

await withEnvoy(async () => {
  let two = "";
  let three = "";
  const fleet = await startFleet({
    envoys: ENVOYS,
    versions: { v1: {}, v2: {}, v3: {} },
    mesh: (parts) => {
      three = labMesh(parts);
      two = three.replace(/^ *v3: .*\n/m, "");
      return two;
    },
  });
  try {
    await measure({ fleet, watch: await watchJournal(fleet.server.url), two, three });
  } finally {
    await fleet.close();
  }
});

async function measure(place: Place): Promise<void> {
  const { fleet, watch } = place;
  say(`${ENVOYS} Envoys on one control plane, ${RATE} requests a second through them, HTTP/2 throughout.`);
  say(
    "From the request being sent to the end of the rollout being seen: one host, then the others, each acknowledged.",
  );
  const load = fleet.load(RATE);
  const shifts = await shift(place);
  const commands = await shiftByCommand(fleet);
  const away = await rollBackRepeatedly(place, place.two, place.three);
  const clusters = await activeClusters(fleet);
  const added = await publish(place, place.three);
  await clustersAre(fleet, clusters + 1);
  const back = await rollBackRepeatedly(place, place.three, place.two);
  const { sent, failed, firstFailure } = await load.stop();
  watch.close();
  const done = (timed: readonly Timed[]): string[] => timesOf(timed.map((one) => one.done));
  table([
    ["command → last ACK", ...TIMES],
    ["shift", ...done(shifts)],
    ["  to the first host", ...timesOf(shifts.map(({ first }) => first))],
    ["  from there to all", ...timesOf(shifts.map(({ first, done: all }) => all - first))],
    ["shift, with the start of `belay shift`", ...timesOf(commands)],
    ["apply: a version and its cluster more", ...done([...away.applied, added])],
    ["apply: one less", ...done(back.applied)],
    ["rollback that takes a version away", ...done(away.back)],
    ["rollback that brings one back", ...done(back.back)],
    ["all rollbacks", ...done([...away.back, ...back.back])],
  ]);
  say(
    `A cluster taken away is held back on purpose; it was gone from all ${ENVOYS} ${milliseconds(quantile(away.gone, 0.5))} after the command (p50), ${milliseconds(quantile(away.gone, 1))} at most.`,
  );
  say(`${sent} requests, ${failed} failed${firstFailure === undefined ? "" : ` (first: ${firstFailure.cause})`}.`);
}

async function shift({ fleet, watch }: Place): Promise<Timed[]> {
  const timed: Timed[] = [];
  for (let n = 0; n < SHIFTS; n += 1) {
    const v2 = n % 2 === 0 ? 500 + 90 * n : 100;
    const weights = { v1: 10_000 - v2, v2 };
    timed.push(await timeRollout({ fleet, watch }, "/v1/rollouts", { kind: "shift", service: "reviews", weights }));
    await outOfStep(n);
  }
  return timed;
}

/** What a person waits for: the same shift with the command line's own start and end. */
async function shiftByCommand(fleet: Fleet): Promise<number[]> {
  const samples: number[] = [];
  for (let n = 0; n < COMMANDS; n += 1) {
    const started = performance.now();
    const weight = `v2=${n % 2 === 0 ? 20 : 0}%`;
    const { code, stderr } = await fleet.belay("shift", "reviews", weight, "--reason", "bench", "--yes");
    if (code !== 0) throw new Error(`belay shift ended with ${code}: ${stderr}`);
    samples.push(performance.now() - started);
    await outOfStep(n);
  }
  return samples;
}

interface RolledBack {
  readonly applied: Timed[];
  readonly back: Timed[];
  /** Until Envoy's own count of clusters was what it had been. */
  readonly gone: number[];
}

/** From `base` to `other` and back, so that what `other` has more or less is undone. A version more also gets traffic. */
async function rollBackRepeatedly(place: Place, base: string, other: string): Promise<RolledBack> {
  const { fleet } = place;
  const result: RolledBack = { applied: [], back: [], gone: [] };
  const clusters = await activeClusters(fleet);
  const revision = (await fleet.get<{ revision: { live: number } }>("/v1/status")).revision.live;
  for (let n = 0; n < ROLLBACKS / 2; n += 1) {
    result.applied.push(await publish(place, other));
    if (other === place.three) {
      const weights = { v1: 7_500, v2: 0, v3: 2_500 };
      await timeRollout(place, "/v1/rollouts", { kind: "shift", service: "reviews", weights });
    }
    await clustersAre(fleet, clusters + (other === place.three ? 1 : -1));
    const started = performance.now();
    result.back.push(await timeRollout(place, "/v1/rollbacks", { to: revision }));
    await clustersAre(fleet, clusters);
    result.gone.push(performance.now() - started);
    await outOfStep(n);
  }
  return result;
}

async function publish(place: Place, text: string): Promise<Timed> {
  return timeRollout(place, "/v1/revisions", { source: { name: "mesh.yaml", text } });
}

/** Sends a mutation and follows the journal to the end of its rollout; rejects where that is not `done`. */
async function timeRollout(
  { fleet, watch }: Pick<Place, "fleet" | "watch">,
  path: string,
  body: Readonly<Record<string, unknown>>,
): Promise<Timed> {
  const started = performance.now();
  const answer = await fleet.post<RolloutObject & { rollout?: RolloutObject }>(path, { ...body, reason: "bench" });
  if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  const { id } = answer.body.rollout ?? answer.body;
  const ended = await watch.when((event) => event.type === "rollout.ended" && event["rollout"] === id);
  if (ended.event["end"] !== "done") throw new Error(ended.event.text);
  const first = await watch.when((event) => event.type === "rollout.acked" && event["rollout"] === id);
  return { first: first.atMs - started, done: ended.atMs - started };
}

async function activeClusters({ envoys }: Pick<Fleet, "envoys">): Promise<number> {
  const stats = await Promise.all(envoys.map((proxy) => proxy.stats("^cluster_manager\\.active_clusters$")));
  const counts = new Set(stats.map((some) => Number(some.get("cluster_manager.active_clusters"))));
  const [only] = counts;
  return counts.size === 1 && only !== undefined ? only : Number.NaN;
}

async function clustersAre(fleet: Fleet, count: number): Promise<void> {
  await eventually(async () => (await activeClusters(fleet)) === count, `every Envoy has ${count} clusters`);
}

/** Commands must not fall into step with the load or with a timer of the control plane. */
async function outOfStep(n: number): Promise<void> {
  await pause(40 + ((n * 37) % 101));
}
