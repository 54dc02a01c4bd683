import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freeAddress } from "./addresses.ts";
import { allInSync, ask, type Said } from "./api.ts";
import { type ControlPlaneProcess, startControlPlane } from "./belay-process.ts";
import type { LabProxy } from "./lab-proxy.ts";
import type { Lifetimes } from "./lifetimes.ts";
import { type Load, startLoad } from "./load.ts";
import { type LabMesh, labMesh } from "./mesh-text.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

/** Addresses that the lab takes where they are free. */
export const HTTP_PORT = 7070;
export const XDS_PORT = 18_000;
const FIRST_GATEWAY_PORT = 10_000;

export interface WorldOptions {
  readonly envoys: number;
  /** Requests a second. */
  readonly rate: number;
  /** `127.0.0.1:PORT`; where it is not given the usual one, or a free one if that is taken. */
  readonly http?: string | undefined;
  readonly xds?: string | undefined;
  /** Starts what answers at a gateway: an Envoy, or the built-in client. */
  readonly startProxy: StartProxy;
  /** Gives up waiting. */
  readonly signal: AbortSignal;
}

export type StartProxy = (place: ProxyPlace) => Promise<LabProxy>;

/** Where a proxy of the lab belongs. */
export interface ProxyPlace {
  readonly id: string;
  readonly dir: string;
  readonly xds: string;
  readonly listen: string;
}

/** A whole small world on loopback. */
export interface World {
  /** Everything that it writes is below; removed at the end. */
  readonly dir: string;
  readonly mesh: LabMesh;
  readonly server: ControlPlaneProcess;
  readonly upstreams: readonly Upstream[];
  readonly proxies: readonly LabProxy[];
  readonly load: Load;
}

const FLEET_READY_MS = 30_000;
const REQUEST_TIMEOUT_MS = 5_000;
/** How long the end of the load waits for answers. */
const LAST_ANSWERS_MS = 1_000;

/**
 * Starts control plane, upstreams, proxies and load.
 *
 * @param lifetimes ends all that was started, also while it is being started; closing it is up to the caller
 */
export async function startWorld(options: WorldOptions, lifetimes: Lifetimes): Promise<World> {
  const making = mkdtemp(join(tmpdir(), "belay-lab-"));
  const dir = await lifetimes.add(making, (made) => rm(made, { recursive: true, force: true }));
  const upstreams = await Promise.all(
    ["v1", "v2"].map((version) => lifetimes.add(startUpstream({ version }), (upstream) => upstream.close())),
  );
  const mesh = await meshFor(options.envoys, upstreams);
  const file = join(dir, "mesh.yaml");
  await writeFile(file, labMesh(mesh));
  const http = options.http ?? (await freeAddress(HTTP_PORT));
  const xds = options.xds ?? (await freeAddress(XDS_PORT));
  const server = await lifetimes.add(startControlPlane({ dir, mesh: file, xds, http }), (started) => started.stop());
  const places = mesh.gateways.map(({ id, listen }) => ({ id, listen, xds, dir: join(dir, id) }));
  const proxies = await Promise.all(
    places.map((place) => lifetimes.add(options.startProxy(place), (proxy) => proxy.stop())),
  );
  await Promise.all(proxies.map((proxy) => proxy.ready()));
  await fleet(server.url, FLEET_READY_MS, (said) => allInSync(said, proxies.length), options.signal);
  const targets = proxies.map((proxy) => proxy.target);
  const load = startLoad({ targets, path: "/reviews", rate: options.rate, timeoutMs: REQUEST_TIMEOUT_MS });
  await lifetimes.add(Promise.resolve(load), () => Promise.race([load.stop(), pause(LAST_ANSWERS_MS)]));
  return { dir, mesh, server, upstreams, proxies, load };
}

async function meshFor(envoys: number, upstreams: readonly Upstream[]): Promise<LabMesh> {
  const gateways: { id: string; listen: string }[] = [];
  for (let n = 1; n <= envoys; n += 1) {
    gateways.push({ id: `edge-${n}`, listen: await freeAddress(FIRST_GATEWAY_PORT + n - 1) });
  }
  return { gateways, versions: Object.fromEntries(upstreams.map(({ version, address }) => [version, address])) };
}

/** Asks the control plane until what it says fulfils the condition; rejects with the last that it said. */
export async function fleet(
  server: string,
  withinMs: number,
  fulfils: (said: Said) => boolean,
  signal?: AbortSignal,
): Promise<Said> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const said = await ask(server);
    if (said !== undefined && fulfils(said)) return said;
    if (performance.now() > deadline) throw new Error(`the fleet did not get so far in time: ${summaryOf(said)}`);
    await pause(50, undefined, signal === undefined ? {} : { signal });
  }
}

function summaryOf(said: Said | undefined): string {
  if (said === undefined) return "the control plane does not answer";
  const nodes = said.nodes.map((node) => `${node.id} ${node.connected ? node.state : "away"}`);
  return nodes.length === 0 ? "no Envoy is connected" : nodes.join(", ");
}
