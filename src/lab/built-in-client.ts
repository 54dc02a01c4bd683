import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { CLUSTER, ENDPOINTS, LISTENER, ROUTES } from "../core/resource/type-url.ts";
import type { Codec } from "../envoy/codec.ts";
import { AdsClient, type Received } from "./ads-client.ts";
import type { LabProxy } from "./lab-proxy.ts";
import { LAB_CLUSTER } from "./mesh-text.ts";
import { http2Target, type Target } from "./target.ts";
import type { ProxyPlace } from "./world.ts";

type Json = Readonly<Record<string, unknown>>;

const UP_MS = 15_000;

/**
 * What the lab runs where no Envoy can be had: it asks for configuration as an Envoy does, splits requests as the routes
 * say, and sends them to the endpoints itself. It knows weighted clusters and path prefixes, not the rest of Envoy.
 */
export function startBuiltInClient({ id, xds }: ProxyPlace, codec: Codec): Promise<LabProxy> {
  const client = new BuiltInClient(id, codec);
  const node = { id, cluster: LAB_CLUSTER, userAgentVersion: "built-in" };
  const ads = new AdsClient({
    xds,
    node,
    wildcards: [CLUSTER, LISTENER],
    take: (type, all) => client.take(type, all, ads),
  });
  return Promise.resolve({
    id,
    target: client,
    ready: () => client.ready(),
    applied: () => Promise.resolve(new Map(client.applied)),
    refused: () => Promise.resolve(client.refused),
    stop: () => {
      ads.close();
      client.close();
      return Promise.resolve();
    },
  });
}

class BuiltInClient implements Target {
  readonly name: string;
  /** How often a type has changed, by the last part of its URL. */
  readonly applied = new Map<string, bigint>();
  refused = 0n;
  readonly #codec: Codec;
  readonly #held = new Map<string, ReadonlyMap<string, Json>>();
  readonly #targets = new Map<string, Target>();
  #turn = 0;

  constructor(name: string, codec: Codec) {
    this.name = name;
    this.#codec = codec;
  }

  take(typeUrl: string, resources: readonly Received[], ads: AdsClient): string | undefined {
    const decoded = resources.map(({ value }) => this.#codec.decode(typeUrl, value));
    const missing = decoded.flatMap(filesOf).find((file) => !existsSync(file));
    if (missing !== undefined) {
      this.refused += 1n;
      return `Invalid path: ${missing}`;
    }
    this.#hold(typeUrl, new Map(decoded.map((json) => [String(json["name"] ?? json["cluster_name"]), json])));
    const held = [...(this.#held.get(typeUrl)?.values() ?? [])];
    if (typeUrl === CLUSTER) ads.subscribe(ENDPOINTS, held.filter(({ type }) => type === "EDS").map(endpointsName));
    if (typeUrl === LISTENER) ads.subscribe(ROUTES, held.flatMap(routeNames));
    return undefined;
  }

  #hold(typeUrl: string, resources: ReadonlyMap<string, Json>): void {
    const before = this.#held.get(typeUrl) ?? new Map<string, Json>();
    // Clusters and listeners come as the whole set; of the other types a response carries what has changed.
    const after = typeUrl === CLUSTER || typeUrl === LISTENER ? resources : new Map([...before, ...resources]);
    this.#held.set(typeUrl, after);
    if (JSON.stringify([...before]) === JSON.stringify([...after])) return;
    const key = `${typeUrl.slice(typeUrl.lastIndexOf(".") + 1)} changed`;
    this.applied.set(key, (this.applied.get(key) ?? 0n) + 1n);
  }

  async ready(): Promise<void> {
    const deadline = performance.now() + UP_MS;
    while (this.#held.get(ROUTES) === undefined) {
      if (performance.now() > deadline) throw new Error(`${this.name} was not given any routes in time`);
      await pause(20);
    }
  }

  async request(path: string, options: Parameters<Target["request"]>[1]): ReturnType<Target["request"]> {
    const cluster = pick(this.#splitFor(path));
    if (cluster === undefined) return { status: 404, servedBy: "" };
    const addresses = addressesOf(this.#held.get(ENDPOINTS)?.get(cluster));
    this.#turn += 1;
    const address = addresses[this.#turn % Math.max(1, addresses.length)];
    if (address === undefined) return { status: 503, servedBy: "" };
    let target = this.#targets.get(address);
    if (target === undefined) {
      target = http2Target(this.name, `http://${address}`);
      this.#targets.set(address, target);
    }
    return target.request(path, options);
  }

  #splitFor(path: string): readonly Split[] {
    for (const table of this.#held.get(ROUTES)?.values() ?? []) {
      for (const host of list(table["virtual_hosts"])) {
        const route = list(host["routes"]).find(({ match }) => matches(match as Json, path));
        const weighted = (route?.["route"] as Json | undefined)?.["weighted_clusters"] as Json | undefined;
        if (weighted !== undefined) return list(weighted["clusters"]) as unknown as Split[];
      }
    }
    return [];
  }

  close(): void {
    for (const target of this.#targets.values()) target.close();
  }
}

interface Split {
  readonly name: string;
  readonly weight?: number;
}

function pick(clusters: readonly Split[]): string | undefined {
  const total = clusters.reduce((sum, { weight = 0 }) => sum + weight, 0);
  let left = Math.random() * total;
  for (const { name, weight = 0 } of clusters) {
    if (left < weight) return name;
    left -= weight;
  }
  return undefined;
}

function matches(match: Json, path: string): boolean {
  const { prefix, path_separated_prefix: segments } = match;
  if (typeof segments === "string") return path === segments || path.startsWith(`${segments}/`);
  return typeof prefix === "string" && path.startsWith(prefix);
}

function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

function endpointsName(cluster: Json): string {
  const config = cluster["eds_cluster_config"] as Json | undefined;
  return String(config?.["service_name"] ?? cluster["name"]);
}

/** The names of the route configurations that a listener asks for, wherever its filters say so. */
function routeNames(listener: Json): string[] {
  return found(listener, "route_config_name");
}

/** Every file that the resource wants to read. */
function filesOf(resource: Json): string[] {
  return found(resource, "filename");
}

function found(value: unknown, key: string): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === key && typeof inner === "string" ? [inner] : found(inner, key),
  );
}

function addressesOf(assignment: Json | undefined): string[] {
  const hosts = list(assignment?.["endpoints"]).flatMap((locality) => list(locality["lb_endpoints"]));
  return hosts.flatMap(({ endpoint }) => {
    const address = ((endpoint as Json)["address"] as Json)["socket_address"] as Json;
    return [`${String(address["address"])}:${String(address["port_value"])}`];
  });
}
