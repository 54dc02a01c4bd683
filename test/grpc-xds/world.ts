import { test as base } from "vitest";
import type { Convergence, NackEvent, NodeView, ResourceInput, XdsEvent, XdsServerOptions } from "../../src/index.ts";
import { SnapshotCache, snapshot, XdsServer } from "../../src/index.ts";
import type { Backend } from "./backend.ts";
import { startBackend } from "./backend.ts";
import type { ClientOptions, ClientProgram, GrpcClient } from "./grpc-client.ts";
import { compileClient } from "./grpc-client.ts";
import type { Relay } from "./relay.ts";
import { startRelay } from "./relay.ts";
import { cluster, endpoints } from "./resources.ts";

/** The group that all clients here belong to. */
export const GROUP = "grpc";

/** For what has to arrive: a busy machine takes its time. */
export const SOON = { timeout: 30_000 };

/** Load is reported so often, in milliseconds. */
const LOAD_REPORT_MS = 100;

/** A server of the library, gRPC backends, and gRPC clients that reach them by what the server tells. */
export class World {
  readonly cache = new SnapshotCache({ group: ({ cluster }) => cluster });
  readonly relay: Relay;
  readonly acks: XdsEvent[] = [];
  readonly nacks: NackEvent[] = [];
  readonly connects: XdsEvent[] = [];
  #server = new XdsServer({ cache: this.cache });
  readonly #program: ClientProgram;
  readonly #clients: GrpcClient[] = [];
  readonly #backends: Backend[] = [];

  private constructor(program: ClientProgram, relay: Relay) {
    this.#program = program;
    this.relay = relay;
  }

  static async start(program: ClientProgram): Promise<World> {
    const world = new World(program, await startRelay());
    await world.#serve();
    return world;
  }

  get server(): XdsServer {
    return this.#server;
  }

  /** What there is from now on. */
  set(...resources: ResourceInput[]): void {
    this.cache.set(GROUP, snapshot({ resources }));
  }

  /** Resolves when every client has answered. */
  settled(): Promise<Convergence> {
    return this.cache.converged(GROUP, { timeoutMs: SOON.timeout });
  }

  /** What the server says of its only client. */
  node(): NodeView {
    const [node, ...more] = this.cache.nodes(GROUP);
    if (node === undefined || more.length > 0)
      throw new Error(`there are ${more.length + 1} nodes where one was meant`);
    return node;
  }

  async client(options: Partial<ClientOptions> = {}): Promise<GrpcClient> {
    const client = await this.#program.start({ node: "client", port: this.relay.port, ...options });
    this.#clients.push(client);
    return client;
  }

  /** A backend of each name. */
  async backends<const Names extends readonly string[]>(
    ...names: Names
  ): Promise<{ [K in keyof Names]: Backend & { readonly alone: ResourceInput[] } }> {
    const started = await Promise.all(names.map(startBackend));
    this.#backends.push(...started);
    const all = started.map((backend) => ({
      ...backend,
      alone: [cluster(backend.name), endpoints(backend.name, { a: [backend.port] })],
    }));
    return all as unknown as { [K in keyof Names]: (typeof all)[number] };
  }

  /** Another server in place of this one, of the same cache: it remembers no client. */
  async restart(options: Partial<XdsServerOptions> = {}): Promise<void> {
    await this.#server.close({ graceMs: 200 });
    await this.#serve(options);
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    for (const backend of this.#backends) backend.close();
    await this.#server.close({ graceMs: 100 });
    await this.relay.close();
  }

  async #serve(options: Partial<XdsServerOptions> = {}): Promise<void> {
    this.#server = new XdsServer({ cache: this.cache, loadReportMs: LOAD_REPORT_MS, ...options });
    this.#server.on("ack", (event) => this.acks.push(event));
    this.#server.on("nack", (event) => this.nacks.push(event));
    this.#server.on("connect", (event) => this.connects.push(event));
    this.relay.lead((await this.#server.listen("127.0.0.1:0")).port);
  }
}

/** A test with a world of its own; the client program is compiled once for its file. */
export const test = base.extend<{ program: ClientProgram; world: World }>({
  program: [
    // vitest reads which fixtures a function takes off its parameters: there are none.
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const program = compileClient();
      await use(program);
      program.remove();
    },
    { scope: "file" },
  ],
  world: async ({ program }, use) => {
    const world = await World.start(program);
    await use(world);
    await world.close();
  },
});
