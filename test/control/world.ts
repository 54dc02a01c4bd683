import { createHash } from "node:crypto";
import { type ConductorLog, openControlPlane } from "../../src/control/conductor.ts";
import type { ControlPlane } from "../../src/control/control-plane.ts";
import type { Store } from "../../src/control/store.ts";
import type { Compile } from "../../src/control/views.ts";
import { ControlError } from "../../src/core/failure/control-error.ts";
import type { EventBody, JournalEvent } from "../../src/core/journal/event.ts";
import type { RolloutRecord } from "../../src/core/journal/state.ts";
import { canonicalJson } from "../../src/core/mesh/canonical.ts";
import type { Mesh } from "../../src/core/mesh/mesh.ts";
import { type Resource, versionOf } from "../../src/core/resource/resource.ts";
import { CLUSTER, ROUTES } from "../../src/core/resource/type-url.ts";
import type { Codec } from "../../src/envoy/codec.ts";
import { FakeFleet } from "./fake-fleet.ts";
import { VirtualClock } from "./virtual-clock.ts";

export const sha256 = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");

/** A journal in memory that can be made to fail. */
export class MemoryStore implements Store {
  readonly events: JournalEvent[] = [];
  readonly blobs = new Map<string, Uint8Array>();
  failing = false;
  appends = 0;

  async append(head: number, at: string, bodies: readonly EventBody[], blobs: readonly Uint8Array[] = []) {
    if (this.failing) throw new ControlError("store-failed", "no space left on the device");
    if (head !== this.events.length) throw new ControlError("conflict", "the journal has moved on");
    this.appends += 1;
    for (const bytes of blobs) this.blobs.set(sha256(bytes), bytes);
    const written = bodies.map((body, index) => ({ seq: head + 1 + index, at, body }));
    // What is on disk is text: what does not survive JSON must not be relied on.
    this.events.push(...(JSON.parse(JSON.stringify(written)) as JournalEvent[]));
    return written;
  }

  async read(after: number, limit: number) {
    return this.events.slice(after, after + limit);
  }

  async blob(digest: string) {
    return this.blobs.get(digest);
  }

  async close() {}
}

/** One gateway and one service with two versions; `mark` makes meshes differ. */
export function meshOf(mark: string, change: Partial<Mesh> = {}): Mesh {
  return {
    services: [
      {
        name: "reviews",
        owner: "@shop",
        tier: 3,
        timeoutMs: 15_000,
        retries: { attempts: 1, budgetPercent: 20 },
        versions: ["v1", "v2"].map((name, index) => ({
          name,
          protocol: { kind: "http2" as const },
          source: {
            kind: "endpoints" as const,
            endpoints: [{ address: "127.0.0.1", port: 9001 + index, zone: mark, weight: 1 }],
          },
        })),
        traffic: { v1: 10_000, v2: 0 },
        dependsOn: [],
      },
    ],
    gateways: [
      {
        name: "edge",
        nodes: { cluster: ["edge"] },
        listen: { address: "127.0.0.1", port: 10_000 },
        hosts: [
          {
            domains: ["*"],
            routes: [{ path: { kind: "prefix", value: "/" }, methods: [], headers: [], query: [], to: "reviews" }],
          },
        ],
      },
    ],
    sidecars: [],
    resources: [],
    ...change,
  };
}

function fakeResource(typeUrl: string, name: string, content: unknown): Resource {
  const bytes = new TextEncoder().encode(canonicalJson(content));
  return { typeUrl, name, bytes, version: versionOf(bytes, sha256), refs: [] };
}

/** Two resources: one follows the mesh, one the weights as well. A service called `broken` cannot be compiled. */
export const fakeCompile: Compile = (mesh, weights, selection) => {
  const problems = mesh.services.flatMap(({ name }, index) =>
    name === "broken" ? [{ path: ["services", index], message: "it is broken", code: "broken-rule" as const }] : [],
  );
  return {
    resources: [fakeResource(CLUSTER, "a", mesh.services), fakeResource(ROUTES, "a", { weights, selection, mesh })],
    problems,
  };
};

export interface World<S extends Store = MemoryStore> {
  readonly fleet: FakeFleet;
  readonly clock: VirtualClock;
  readonly store: S;
  readonly logged: { level: string; message: string }[];
  compile: Compile;
  control: ControlPlane;
  /** Stops the control plane without a word and opens another one on the same journal, with no node connected. */
  restart(): Promise<void>;
  /** Waits until all that was asked for has been done. */
  settle(): Promise<void>;
}

/** Who asks in tests, and why. */
export const ASKED = { by: "ada", reason: "because" };

/** A control plane on a fleet in memory. */
export async function openWorld(): Promise<World>;
export async function openWorld<S extends Store>(store: S): Promise<World<S>>;
export async function openWorld(store: Store = new MemoryStore()): Promise<World<Store>> {
  const logged: World<Store>["logged"] = [];
  const note = (level: string) => (_: object, message: string) => void logged.push({ level, message });
  const log: ConductorLog = { info: note("info"), warn: note("warn"), error: note("error") };
  const clock = new VirtualClock();
  const open = (world: World<Store>): Promise<ControlPlane> =>
    openControlPlane({
      store,
      fleet: world.fleet,
      clock,
      digest: sha256,
      codec: {} as Codec,
      compile: (...parts) => world.compile(...parts),
      log,
    });
  const world = { fleet: new FakeFleet(), clock, store, logged, compile: fakeCompile } as World<Store>;
  world.control = await open(world);
  world.settle = () => settled(world.control);
  world.restart = async () => {
    await world.control.close();
    Object.assign(world, { fleet: new FakeFleet() });
    world.control = await open(world);
  };
  return world;
}

/** A command that is refused at once goes through the queue all the same: after it, everything before it is done. */
async function settled(control: ControlPlane): Promise<void> {
  for (let i = 0; i < 5; i += 1) await control.abort("none", ASKED).catch(() => undefined);
}

/** The same with revision 1 live and these nodes in sync. */
export async function openLive(nodes: readonly string[] = ["edge-1", "edge-2", "edge-3"]): Promise<World> {
  const world = await openWorld();
  await world.control.publish({ ...ASKED, reason: "seed", mesh: meshOf("one"), seed: true });
  for (const node of nodes) world.fleet.connect(node);
  await world.settle();
  return world;
}

/** Moves traffic to v2 of the one service. */
export const shift = (world: World<Store>, v2: number, more: object = {}) =>
  world.control.shift({ ...ASKED, service: "reviews", weights: { v2 }, ...more });

export const rollout = (world: World<Store>, id = "ro-1"): RolloutRecord => {
  const record = world.control.state().rollouts.get(id);
  if (record === undefined) throw new Error(`there is no ${id}`);
  return record;
};

/** What is in the journal, by type. */
export const typesOf = (world: World): string[] => world.store.events.map(({ body }) => body.type);
