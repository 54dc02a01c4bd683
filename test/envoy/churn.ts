import type { ResourceInput } from "../../src/index.ts";
import { clusterOf, endpointsOf, listenerOf, routesOf, routeTo, type Source } from "./resources.ts";

/** What an Envoy should have; each change makes it another in place. */
export interface Scene {
  readonly source: Source;
  /** Addresses of the servers behind the clusters: two, and one for the routes that come and go. */
  readonly upstreams: readonly string[];
  /** Addresses of listeners that come and go. */
  readonly spareAddresses: readonly string[];
  readonly clusters: Map<string, { seconds: number; upstream: number; inline: boolean }>;
  /** The two gateways that load goes to. The routes of the first come by RDS, those of the second are part of it. */
  readonly gateways: readonly [Gateway, Gateway];
  /** Listeners that load does not go to: name and address. */
  readonly spares: Map<string, string>;
  /** Numbers what is new. */
  count: number;
}

interface Gateway {
  readonly name: string;
  readonly address: string;
  /** The name of its route configuration; undefined: its routes are part of it. */
  routes: string | undefined;
  /** Where `/` leads to: one cluster, or two in equal shares. */
  to: string[];
  /** Where `/extra` leads to, while there is such a route. */
  extra: string | undefined;
  /** Changes its filter chain. */
  chain: number;
  /** Changes the listener itself. */
  body: number;
}

export interface SceneOptions {
  readonly source: Source;
  readonly upstreams: readonly string[];
  readonly addresses: readonly [string, string];
  readonly spareAddresses: readonly string[];
}

export function firstScene({ source, upstreams, addresses, spareAddresses }: SceneOptions): Scene {
  const gateway = (name: string, address: string, routes?: string): Gateway => ({
    name,
    address,
    routes,
    to: [`${name}-c0`],
    extra: undefined,
    chain: 0,
    body: 0,
  });
  const gateways = [gateway("by-rds", addresses[0], "routes-0"), gateway("inline", addresses[1])] as const;
  const clusters = gateways.map(({ name }) => [`${name}-c0`, { seconds: 5, upstream: 0, inline: false }] as const);
  const empty = { spares: new Map(), count: 0 };
  return { source, upstreams, spareAddresses, clusters: new Map(clusters), gateways: [...gateways], ...empty };
}

/** All resources of a scene. */
export function resourcesOf(scene: Scene): ResourceInput[] {
  const { source, upstreams } = scene;
  const clusters = [...scene.clusters].flatMap(([name, { seconds, upstream, inline }]) => {
    const address = upstreams[upstream] ?? "";
    if (inline) return [clusterOf(name, [address], `${seconds}s`)];
    return [clusterOf(name, source, `${seconds}s`), endpointsOf(name, address)];
  });
  const gateways = scene.gateways.flatMap((gateway) => {
    const { name, address, routes, to, extra, chain, body } = gateway;
    const list = [...(extra === undefined ? [] : [routeTo("/extra", extra)]), routeTo("/", ...to)];
    const how = {
      manager: { max_request_headers_kb: 60 + chain },
      more: { per_connection_buffer_limit_bytes: 1_000_000 + body },
    };
    if (routes === undefined) return [listenerOf({ name, address, routes: list, ...how })];
    return [listenerOf({ name, address, routes: { rds: routes, source }, ...how }), routesOf(routes, ...list)];
  });
  const [main] = scene.gateways;
  const spares = [...scene.spares].map(([name, address]) =>
    listenerOf({ name, address, routes: { rds: main.routes ?? "", source } }),
  );
  return [...clusters, ...gateways, ...spares];
}

/** Servers that `/` leads to, and the one that `/extra` leads to. */
const COMMON = 2;

/** A new cluster; by default in front of one of the common servers. */
function addCluster(scene: Scene, upstream = scene.count % COMMON): string {
  scene.count += 1;
  const name = `c${scene.count}`;
  scene.clusters.set(name, { seconds: 5, upstream, inline: scene.count % 5 === 0 });
  return name;
}

/** Each leaves a scene in which all routes lead to clusters that are there. */
type Change = (scene: Scene, gateway: Gateway) => void;

const replaceCluster: Change = (scene, gateway) => {
  for (const name of gateway.to) scene.clusters.delete(name);
  gateway.to = [addCluster(scene)];
};

const shareOrUnite: Change = (scene, gateway) => {
  const [first = "", second] = gateway.to;
  if (second === undefined) gateway.to.push(addCluster(scene));
  else {
    scene.clusters.delete(first);
    gateway.to = [second];
  }
};

const changeCluster: Change = (scene, { to }) => {
  for (const name of to) {
    const cluster = scene.clusters.get(name);
    if (cluster !== undefined) cluster.seconds = 5 + ((cluster.seconds + 1) % 5);
  }
};

const changeKind: Change = (scene, { to }) => {
  const cluster = scene.clusters.get(to[0] ?? "");
  if (cluster !== undefined) cluster.inline = !cluster.inline;
};

const moveEndpoints: Change = (scene, { to }) => {
  for (const name of to) {
    const cluster = scene.clusters.get(name);
    if (cluster !== undefined) cluster.upstream = (cluster.upstream + 1) % COMMON;
  }
};

const extraRoute: Change = (scene, gateway) => {
  if (gateway.extra !== undefined) scene.clusters.delete(gateway.extra);
  gateway.extra = gateway.extra === undefined ? addCluster(scene, COMMON) : undefined;
};

const replaceRoutes: Change = (scene) => {
  scene.count += 1;
  scene.gateways[0].routes = `routes-${scene.count}`;
};

const changeChain: Change = (_scene, gateway) => {
  gateway.chain = (gateway.chain + 1) % 8;
};

const changeListener: Change = (_scene, gateway) => {
  gateway.body += 1;
};

const addOrRemoveListener: Change = (scene) => {
  const [oldest] = scene.spares.keys();
  const free = scene.spareAddresses.find((address) => ![...scene.spares.values()].includes(address));
  scene.count += 1;
  if (free !== undefined) scene.spares.set(`spare-${scene.count}`, free);
  else if (oldest !== undefined) scene.spares.delete(oldest);
};

/** Another name, the same address. */
const replaceListener: Change = (scene) => {
  const [oldest] = scene.spares;
  scene.count += 1;
  if (oldest === undefined) return addOrRemoveListener(scene, scene.gateways[0]);
  scene.spares.delete(oldest[0]);
  scene.spares.set(`spare-${scene.count}`, oldest[1]);
};

const unusedCluster: Change = (scene) => {
  const used = new Set(scene.gateways.flatMap(({ to, extra }) => [...to, extra]));
  const unused = [...scene.clusters.keys()].find((name) => !used.has(name));
  if (unused === undefined) addCluster(scene);
  else scene.clusters.delete(unused);
};

const CHANGES: Readonly<Record<string, Change>> = {
  "cluster replaced by a new one under the same route": replaceCluster,
  "cluster added beside another in a route, or taken out of it": shareOrUnite,
  "cluster changed in place": changeCluster,
  "cluster changed in kind under its name": changeKind,
  "endpoints moved": moveEndpoints,
  "route added or removed, with its cluster": extraRoute,
  "route configuration replaced by one of another name": replaceRoutes,
  "filter chain changed in place": changeChain,
  "listener changed in place": changeListener,
  "listener added or removed": addOrRemoveListener,
  "listener replaced by one of another name": replaceListener,
  "cluster that nothing uses added or removed": unusedCluster,
};

export interface Step {
  readonly what: string;
  /** Which gateway it touches, if it touches one. */
  readonly gateway: 0 | 1;
}

/** A list of changes, the same for the same seed: each kind as often as any other, in an order of its own each round. */
export function stepsOf(seed: number, count: number): Step[] {
  const random = randomOf(seed);
  const steps: Step[] = [];
  while (steps.length < count) {
    const round = Object.keys(CHANGES).map(
      (what) => ({ what, gateway: random() < 0.5 ? 0 : 1, at: random() }) as const,
    );
    steps.push(...round.sort((a, b) => a.at - b.at));
  }
  return steps.slice(0, count);
}

/** mulberry32: 0 to 1, from a seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function take(scene: Scene, { what, gateway }: Step): void {
  CHANGES[what]?.(scene, scene.gateways[gateway]);
}
