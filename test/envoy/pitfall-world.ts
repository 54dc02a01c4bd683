import { CLUSTER, ROUTES } from "../../src/core/resource/type-url.ts";
import type { ResourceInput, SnapshotCache, XdsEvent, XdsServer } from "../../src/index.ts";
import { snapshot } from "../../src/index.ts";
import { freeAddress } from "../../src/lab/addresses.ts";
import { Lifetimes } from "../../src/lab/lifetimes.ts";
import { http2Target, type Target } from "../../src/lab/target.ts";
import { startUpstream } from "../../src/lab/upstream.ts";
import type { RunningEnvoy } from "../../src/proxy/run-envoy.ts";
import { clustersOf } from "./engine.ts";
import { envoy, eventually } from "./harness.ts";
import {
  type BootstrapOptions,
  clusterOf,
  listenerOf,
  routesOf,
  routeTo,
  type Source,
  sourceOf,
  type Transport,
} from "./resources.ts";
import { type Served, serveLibrary, settled, startProxy } from "./served-envoy.ts";

/** Both dialects of ADS, for `describe.each`. */
export const DIALECTS: readonly [string, Transport][] = [
  ["state of the world", { ads: true, api: "GRPC" }],
  ["delta", { ads: true, api: "DELTA_GRPC" }],
];

export interface WorldOptions {
  readonly transport: Transport;
  /** What it has from the start, besides the base. */
  readonly first?: (world: Pitfall) => readonly ResourceInput[];
  /** Without the base: nothing but `first`. */
  readonly bare?: boolean;
  /** How long the server lets removals and routes wait at most; so long that nothing goes on by it, by default. */
  readonly holdMs?: number;
  /** Of Envoy's bootstrap. */
  readonly bootstrap?: Pick<BootstrapOptions, "maxReceiveBytes" | "more">;
}

/**
 * A server of the library and one Envoy over ADS. Its base is a cluster `base`, a listener `edge` and its routes `routes`;
 * nothing ends by a time-out: what is not answered is waited for until the test fails.
 */
export class Pitfall {
  readonly life = new Lifetimes();
  readonly transport: Transport;
  readonly source: Source;
  readonly acks: XdsEvent[] = [];
  upstream = "";
  target: Target | undefined;
  #listen = "";
  #served: Served | undefined;
  #proxy: RunningEnvoy | undefined;
  #extra: readonly ResourceInput[] = [];
  readonly #bare: boolean;
  readonly #holdMs: number;
  #routes = 0;
  #seconds = 5;

  constructor({ transport, bare = false, holdMs = 60_000 }: WorldOptions) {
    this.transport = transport;
    this.#holdMs = holdMs;
    this.source = sourceOf(transport, "0s");
    this.#bare = bare;
  }

  get cache(): SnapshotCache {
    return this.#there(this.#served).cache;
  }

  get server(): XdsServer {
    return this.#there(this.#served).server;
  }

  /** What this server, since it started, was refused. */
  get nacks(): Served["nacks"] {
    return this.#there(this.#served).nacks;
  }

  get proxy(): RunningEnvoy {
    return this.#there(this.#proxy);
  }

  async start({ first, bootstrap = {} }: WorldOptions): Promise<void> {
    const server = await this.life.add(startUpstream({ version: "v1" }), (one) => one.close());
    this.upstream = server.address;
    this.#listen = await freeAddress();
    this.target = http2Target("edge", `http://${this.#listen}`);
    await this.life.add(Promise.resolve(this.target), async (one) => one.close());
    await this.#serve();
    this.set(first?.(this) ?? []);
    await this.startEnvoy(bootstrap);
  }

  /** Starts the Envoy, or another with its node id. */
  async startEnvoy(bootstrap: WorldOptions["bootstrap"] = {}): Promise<void> {
    const { xds } = this.#there(this.#served);
    const how = { envoy, id: "pitfall-1", transport: this.transport, xds, ...bootstrap };
    this.#proxy = await startProxy(this.life, how);
    await eventually(() => this.cache.nodes("")[0]?.connected, "the Envoy has come");
    await settled(this.cache, "the first resources");
  }

  /** What it should have besides the base, from now on. */
  set(extra: readonly ResourceInput[]): void {
    this.#extra = extra;
    this.cache.set("", snapshot({ resources: [...this.#base(), ...extra] }));
  }

  /** The same, and waits until it has taken or refused all. */
  async give(...extra: readonly ResourceInput[]): Promise<void> {
    this.set(extra);
    await settled(this.cache);
  }

  /** A change of the base's routes, or of its cluster, is taken: whatever was on its way before has come before. */
  async passes(typeUrl: typeof ROUTES | typeof CLUSTER = ROUTES): Promise<void> {
    if (typeUrl === ROUTES) this.#routes += 1;
    else this.#seconds += 1;
    const before = this.ackCount(typeUrl);
    this.set(this.#extra);
    await eventually(() => this.ackCount(typeUrl) > before, `${typeUrl} is taken`);
  }

  ackCount(typeUrl: string): number {
    return this.acks.filter((ack) => ack.typeUrl === typeUrl).length;
  }

  /** One of Envoy's counters; -1 where there is none of that name. */
  async stat(name: string): Promise<number> {
    const found = await this.proxy.stats(`^${name.replaceAll(".", "\\.")}$`);
    return Number(found.get(name) ?? -1);
  }

  /** Waits until a counter is this much. */
  async statIs(name: string, value: number): Promise<void> {
    await eventually(async () => (await this.stat(name)) === value, `${name} is ${value}`);
  }

  /** Names and time-outs of the clusters that are warm. */
  async clusters(): Promise<Record<string, string>> {
    return await clustersOf(this.proxy);
  }

  /** The server ends; nobody answers until `comeBack`. */
  async goAway(): Promise<void> {
    await this.server.close({ graceMs: 0 });
  }

  /** A new server at the old address, with this cache or one of its own: a process that remembers nothing. */
  async comeBack(cache?: SnapshotCache): Promise<void> {
    await this.#serve(this.#there(this.#served).xds, cache);
  }

  /** Resolves when it is back and has taken what it should have. */
  async isBack(): Promise<void> {
    await eventually(() => this.cache.nodes("")[0]?.connected, "the Envoy is back");
    await settled(this.cache, "after it came back");
  }

  async #serve(address?: string, cache?: SnapshotCache): Promise<void> {
    this.#served = await serveLibrary(this.life, {
      holdMs: this.#holdMs,
      ...(address !== undefined && { address }),
      ...(cache !== undefined && { cache }),
    });
    this.server.on("ack", (ack) => this.acks.push(ack));
  }

  #base(): ResourceInput[] {
    if (this.#bare) return [];
    const { source } = this;
    return [
      clusterOf("base", [this.upstream], `${this.#seconds}s`),
      listenerOf({ name: "edge", address: this.#listen, routes: { rds: "routes", source } }),
      routesOf("routes", routeTo(`/v${this.#routes}`, "base"), routeTo("/", "base")),
    ];
  }

  #there<T>(part: T | undefined): T {
    if (part === undefined) throw new Error("this world has not been started");
    return part;
  }
}

/** Starts a world, which `afterEach` ends by `endWorlds`. */
export async function startPitfall(options: WorldOptions): Promise<Pitfall> {
  const world = new Pitfall(options);
  worlds.push(world);
  await world.start(options);
  return world;
}

const worlds: Pitfall[] = [];

export async function endWorlds(): Promise<void> {
  for (const world of worlds.splice(0)) await world.life.close();
}
