import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { RolloutObject } from "../../src/http/contract.ts";
import { freeAddress } from "../../src/lab/addresses.ts";
import { allInSync } from "../../src/lab/api.ts";
import {
  type CommandResult,
  type ControlPlaneProcess,
  runBelay,
  startControlPlane,
} from "../../src/lab/belay-process.ts";
import { labBootstrap } from "../../src/lab/envoy-bootstrap.ts";
import { APPLIED, moved } from "../../src/lab/lab-proxy.ts";
import { Lifetimes } from "../../src/lab/lifetimes.ts";
import { burst, type Load, type LoadOptions, startLoad } from "../../src/lab/load.ts";
import { type LabMesh, labMesh } from "../../src/lab/mesh-text.ts";
import type { Tally } from "../../src/lab/tally.ts";
import { http2Target, type Target } from "../../src/lab/target.ts";
import { startUpstream, type Upstream, type UpstreamOptions } from "../../src/lab/upstream.ts";
import { fleet as fleetUntil } from "../../src/lab/world.ts";
import { findEnvoy } from "../../src/proxy/find-envoy.ts";
import { type RunningEnvoy, runEnvoy } from "../../src/proxy/run-envoy.ts";

/** The Envoy of this machine, or why there is none: `describe.skipIf("missing" in envoy)`. */
export const envoy = await findEnvoy();

export interface FleetOptions {
  /** 2 by default; their ids are `edge-1`, `edge-2`, …, their cluster is `edge`. */
  readonly envoys?: number;
  /** The text of the mesh; by default `reviews` with all versions, behind a gateway for each Envoy. */
  readonly mesh?: (parts: LabMesh) => string;
  /** The upstreams; v1 and v2, HTTP/2, by default. The first takes all traffic at the start. */
  readonly versions?: Readonly<Record<string, Omit<UpstreamOptions, "version">>>;
  /** Delta ADS instead of state of the world. */
  readonly delta?: boolean;
  /** Worker threads of each Envoy; 1 by default. */
  readonly concurrency?: number;
  /** More flags for Envoy. */
  readonly args?: readonly string[];
  /** What becomes of each bootstrap before Envoy gets it. */
  readonly bootstrap?: (bootstrap: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
}

export interface TestEnvoy extends RunningEnvoy {
  readonly id: string;
  /** Where its gateway listens. */
  readonly listen: string;
  readonly target: Target;
}

/** A control plane in a process of its own, real Envoys that have its configuration, and upstreams. */
export interface Fleet {
  readonly dir: string;
  readonly parts: LabMesh;
  readonly server: ControlPlaneProcess;
  /** `127.0.0.1:PORT` of ADS. */
  readonly xds: string;
  readonly envoys: readonly TestEnvoy[];
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** Steady load in turn to all Envoys, until it is stopped or the fleet is closed. */
  load(rate: number, options?: Partial<LoadOptions>): Load;
  /** So many requests at once, in turn to all Envoys. */
  burst(count: number, options?: Partial<LoadOptions>): Promise<Tally>;
  /** `bin/belay` with the server's address. */
  belay(...args: string[]): Promise<CommandResult>;
  get<T>(path: string): Promise<T>;
  /** A mutation, and its answer. */
  post<T>(
    path: string,
    body: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly status: number; readonly body: T }>;
  /** Starts a rollout by `POST`ing and resolves with it when it has ended or waits for a person. */
  rollOut(path: string, body: Readonly<Record<string, unknown>>): Promise<RolloutObject>;
  /** Resolves when every Envoy is connected and has acknowledged all that it should have. */
  inSync(withinMs?: number): Promise<void>;
  /** What each Envoy has counted of applied configuration; give it to `appliedSince`. */
  applied(): Promise<Applied>;
  /** `edge-1: cluster_manager.cluster_added +1`; empty where nothing was applied. */
  appliedSince(before: Applied): Promise<string[]>;
  close(): Promise<void>;
}

export type Applied = ReadonlyMap<string, ReadonlyMap<string, bigint>>;

/** Starts a fleet and resolves when every Envoy is in sync. Close it in `afterEach` or `afterAll`. */
export async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  const lifetimes = new Lifetimes();
  try {
    return await build(options, lifetimes);
  } catch (error) {
    await lifetimes.close();
    throw error;
  }
}

async function build(options: FleetOptions, lifetimes: Lifetimes): Promise<Fleet> {
  const making = mkdtemp(join(tmpdir(), "belay-test-"));
  const dir = await lifetimes.add(making, (made) => rm(made, { recursive: true, force: true }));
  const upstreams = await startUpstreams(options, lifetimes);
  const parts = await partsOf(options.envoys ?? 2, upstreams);
  const mesh = join(dir, "mesh.yaml");
  await writeFile(mesh, (options.mesh ?? labMesh)(parts));
  const [xds, http] = [await freeAddress(), await freeAddress()];
  const server = await lifetimes.add(startControlPlane({ dir, mesh, xds, http }), (started) => started.stop());
  const envoys = await Promise.all(
    parts.gateways.map((place) => lifetimes.add(startEnvoy(place, xds, dir, options), stopEnvoy)),
  );
  const targets = envoys.map(({ target }) => target);
  const inSync = async (withinMs = 15_000): Promise<void> => {
    await fleetUntil(server.url, withinMs, (said) => allInSync(said, envoys.length));
  };
  await Promise.all(envoys.map((proxy) => proxy.ready()));
  await inSync();
  return {
    dir,
    parts,
    server,
    xds,
    envoys,
    upstreams,
    inSync,
    ...apiOf(server.url),
    load: (rate, more = {}) => {
      const load = startLoad({ targets, path: "/reviews", rate, ...more });
      void lifetimes.add(Promise.resolve(load), () => load.stop());
      return load;
    },
    burst: (count, more = {}) => burst(count, { targets, path: "/reviews", ...more }),
    belay: (...args) => runBelay([...args, "--server", server.url]),
    applied: () => appliedOf(envoys),
    appliedSince: async (before) => difference(before, await appliedOf(envoys)),
    close: () => lifetimes.close(),
  };
}

async function startUpstreams(options: FleetOptions, lifetimes: Lifetimes): Promise<Map<string, Upstream>> {
  const upstreams = new Map<string, Upstream>();
  for (const [version, how] of Object.entries(options.versions ?? { v1: {}, v2: {} })) {
    upstreams.set(version, await lifetimes.add(startUpstream({ version, ...how }), (upstream) => upstream.close()));
  }
  return upstreams;
}

async function partsOf(count: number, upstreams: ReadonlyMap<string, Upstream>): Promise<LabMesh> {
  const gateways: { id: string; listen: string }[] = [];
  for (let n = 1; n <= count; n += 1) gateways.push({ id: `edge-${n}`, listen: await freeAddress() });
  return { gateways, versions: Object.fromEntries([...upstreams].map(([version, { address }]) => [version, address])) };
}

/** Starts one more Envoy of the fleet, e.g. one that comes back. */
export async function startEnvoy(
  place: { readonly id: string; readonly listen: string },
  xds: string,
  dir: string,
  options: FleetOptions = {},
): Promise<TestEnvoy> {
  if ("missing" in envoy) throw new Error(envoy.missing);
  const { concurrency = 1, args = [], bootstrap = (same) => same } = options;
  const running = await runEnvoy({
    binary: envoy.path,
    bootstrap: bootstrap(labBootstrap(place.id, xds, options.delta === true)),
    dir: join(dir, place.id),
    concurrency,
    args,
  });
  return { ...running, ...place, target: http2Target(place.id, `http://${place.listen}`, 2) };
}

async function stopEnvoy(proxy: TestEnvoy): Promise<void> {
  proxy.target.close();
  await proxy.stop();
}

function apiOf(url: string): Pick<Fleet, "get" | "post" | "rollOut"> {
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${url}${path}`);
    return (await response.json()) as T;
  };
  const post = async <T>(path: string, body: Readonly<Record<string, unknown>>) => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as T };
  };
  const rollOut = async (path: string, body: Readonly<Record<string, unknown>>): Promise<RolloutObject> => {
    const answer = await post<RolloutObject & { readonly rollout?: RolloutObject }>(path, body);
    if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    const { id } = answer.body.rollout ?? answer.body;
    return await eventually(async () => {
      const rollout = await get<RolloutObject>(`/v1/rollouts/${id}`);
      return RESTS.has(rollout.state) ? rollout : undefined;
    }, `rollout ${id} ends`);
  };
  return { get, post, rollOut };
}

/** States in which a rollout goes no further by itself. */
const RESTS = new Set(["done", "rolledBack", "aborted", "failed", "held"]);

async function appliedOf(envoys: readonly TestEnvoy[]): Promise<Applied> {
  const readings = envoys.map(async (proxy) => {
    const numbers = [...(await proxy.stats(APPLIED))].filter(
      (entry): entry is [string, bigint] => typeof entry[1] === "bigint",
    );
    return [proxy.id, new Map(numbers)] as const;
  });
  return new Map(await Promise.all(readings));
}

function difference(before: Applied, after: Applied): string[] {
  return [...after].flatMap(([id, now]) => moved(before.get(id) ?? new Map(), now).map((what) => `${id}: ${what}`));
}

/** Asks until there is an answer other than undefined or false; rejects after `withinMs`, saying what did not happen. */
export async function eventually<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  what: string,
  withinMs = 35_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(20);
  }
}
