import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NackEvent, type ResourceInput, SnapshotCache, snapshot, XdsServer } from "../../src/index.ts";
import type { Lifetimes } from "../../src/lab/lifetimes.ts";
import type { FoundEnvoy } from "../../src/proxy/find-envoy.ts";
import { type RunningEnvoy, runEnvoy } from "../../src/proxy/run-envoy.ts";
import { type BootstrapOptions, bootstrapOf } from "./resources.ts";

const CONVERGED_MS = 20_000;

/** A server of the library in this process, and what it was told. */
export interface Served {
  readonly cache: SnapshotCache;
  readonly server: XdsServer;
  /** `127.0.0.1:PORT`. */
  readonly xds: string;
  readonly nacks: readonly NackEvent[];
}

interface ServeOptions {
  readonly address?: string;
  readonly cache?: SnapshotCache;
  /** How long removals and routes wait at most. */
  readonly holdMs?: number;
}

/** Serves a cache, by default on a free port. */
export async function serveLibrary(life: Lifetimes, options: ServeOptions = {}): Promise<Served> {
  const { address = "127.0.0.1:0", cache = new SnapshotCache(), holdMs = 5_000 } = options;
  const server = await life.add(Promise.resolve(new XdsServer({ cache, holdMs })), (one) => one.close());
  const nacks: NackEvent[] = [];
  server.on("nack", (nack) => nacks.push(nack));
  const { port } = await server.listen(address);
  return { cache, server, xds: `127.0.0.1:${port}`, nacks };
}

export interface ProxyOptions extends BootstrapOptions {
  readonly envoy: FoundEnvoy;
  /** More flags. */
  readonly args?: readonly string[];
}

/** Starts an Envoy that asks a server. */
export async function startProxy(life: Lifetimes, { envoy, args = [], ...how }: ProxyOptions): Promise<RunningEnvoy> {
  if ("missing" in envoy) throw new Error(envoy.missing);
  const dir = await life.add(mkdtemp(join(tmpdir(), "belay-envoy-")), (made) =>
    rm(made, { recursive: true, force: true }),
  );
  return await life.add(runEnvoy({ binary: envoy.path, bootstrap: bootstrapOf(how), dir, args }), (one) => one.stop());
}

/** Gives all nodes these resources, and waits until none is left that has neither taken nor refused them. */
export async function give(cache: SnapshotCache, resources: readonly ResourceInput[], what = "all"): Promise<void> {
  cache.set("", snapshot({ resources }));
  await settled(cache, what);
}

/** Resolves when no node is left that has neither taken nor refused what it should have. */
export async function settled(cache: SnapshotCache, what = "all"): Promise<void> {
  const { pending } = await cache.converged("", { timeoutMs: CONVERGED_MS });
  if (pending.length > 0) throw new Error(`${what}: not taken by ${pending.join()} within ${CONVERGED_MS} ms`);
}
