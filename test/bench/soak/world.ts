import { SnapshotCache, snapshot } from "../../../src/index.ts";
import type { Content } from "./messages.ts";
import type { Random } from "./random.ts";
import { CLUSTER, ENDPOINTS, hashOf, LISTENER, ROUTES } from "./wire.ts";

type Json = Readonly<Record<string, unknown>>;

/** Groups whose clients stay, and groups that come and go. */
export const GROUPS: readonly string[] = Array.from({ length: 6 }, (_, n) => `group-${n}`);
export const PASSING: readonly string[] = Array.from({ length: 4 }, (_, n) => `passing-${n}`);
/** A group whose answers do not fit into the window of a client that reads slowly. */
export const LARGE = "large";

const BASE_CLUSTERS = 12;
const MOST_EXTRAS = 12;
const LISTENERS = 3;
const LARGE_CLUSTERS = 200;
const LARGE_PADDING = 4_000;

const EXTENSION = "type.googleapis.com/envoy.extensions.filters";

/** What all groups are served, and how it changes: the size of it stays about the same for ever. */
export class World {
  readonly cache = new SnapshotCache({ group: (node) => node.cluster });
  readonly #random: Random;
  readonly #extras = new Map<string, string[]>();
  #round = 0;
  changes = 0;

  constructor(random: Random) {
    this.#random = random;
    for (const group of [...GROUPS, ...PASSING]) this.#renew(group);
    const clusters = Array.from({ length: LARGE_CLUSTERS }, (_, n) => this.#padded(n));
    this.cache.set(LARGE, snapshot({ resources: clusters }));
  }

  /** Makes one change of any kind. */
  change(): void {
    const random = this.#random;
    this.#round += 1;
    this.changes += 1;
    const group = random.pick(GROUPS);
    const kind = random.next();
    if (kind < 0.35) this.cache.update(group, { set: [this.#routes(group, random.below(LISTENERS))] });
    else if (kind < 0.55) this.cache.update(group, { set: [this.#assignment(random.pick(this.#clusters(group)))] });
    else if (kind < 0.65) this.cache.update(group, { set: [this.#cluster(random.pick(this.#clusters(group)))] });
    else if (kind < 0.8) this.#comeOrGo(group);
    else if (kind < 0.85) this.#renew(group);
    else if (kind < 0.9) this.cache.update(LARGE, { set: [this.#padded(random.below(LARGE_CLUSTERS))] });
    else this.#pass(random.pick(PASSING));
  }

  /** What each group's clients should have. */
  content(): Readonly<Record<string, Content>> {
    return Object.fromEntries(this.cache.groups().map((group) => [group, this.#contentOf(group)]));
  }

  #contentOf(group: string): Content {
    const types = this.cache.get(group)?.content.types ?? new Map();
    return Object.fromEntries(
      [...types].map(([typeUrl, { resources }]) => [
        typeUrl,
        Object.fromEntries([...resources.values()].map(({ name, bytes }) => [name, hashOf(bytes)])),
      ]),
    );
  }

  /** A cluster comes with its endpoints, or goes together with the routes that lead to it. */
  #comeOrGo(group: string): void {
    const extras = this.#extras.get(group) ?? [];
    if (extras.length < this.#random.below(MOST_EXTRAS)) {
      const name = `extra-${this.#round}`;
      this.#extras.set(group, [...extras, name]);
      this.cache.update(group, { set: [this.#cluster(name), this.#assignment(name), this.#routes(group, 0)] });
      return;
    }
    const [gone, ...kept] = extras;
    this.#extras.set(group, kept);
    const routes = Array.from({ length: LISTENERS }, (_, n) => this.#routes(group, n));
    const remove = gone === undefined ? [] : [CLUSTER, ENDPOINTS].map((typeUrl) => ({ typeUrl, name: gone }));
    this.cache.update(group, { set: routes, remove });
  }

  /** Everything anew. */
  #renew(group: string): void {
    const clusters = this.#clusters(group).flatMap((name) => [this.#cluster(name), this.#assignment(name)]);
    const listeners = Array.from({ length: LISTENERS }, (_, n) => [listener(n), this.#routes(group, n)]).flat();
    this.cache.set(group, snapshot({ resources: [...clusters, ...listeners] }));
  }

  #pass(group: string): void {
    if (this.cache.get(group) === undefined) this.#renew(group);
    else this.cache.delete(group);
  }

  #clusters(group: string): string[] {
    const base = Array.from({ length: BASE_CLUSTERS }, (_, n) => `service-${n}`);
    return [...base, ...(this.#extras.get(group) ?? [])];
  }

  #cluster(name: string): Json {
    const edsConfig = { resourceApiVersion: "V3", ads: {} };
    const edsClusterConfig = { edsConfig };
    return { "@type": CLUSTER, name, type: "EDS", connectTimeout: `${1 + (this.#round % 1_000)}s`, edsClusterConfig };
  }

  #padded(n: number): Json {
    const padding = String.fromCharCode(97 + (this.#round % 26)).repeat(LARGE_PADDING);
    const metadata = { filterMetadata: { soak: { padding } } };
    return { "@type": CLUSTER, name: `large-${n}`, connectTimeout: "1s", metadata };
  }

  #assignment(clusterName: string): Json {
    const socketAddress = { address: "10.0.0.1", portValue: 10_000 + (this.#round % 50_000) };
    const lbEndpoints = [{ endpoint: { address: { socketAddress } } }];
    return { "@type": ENDPOINTS, clusterName, endpoints: [{ lbEndpoints }] };
  }

  #routes(group: string, n: number): Json {
    const weight = this.#random.below(10_001);
    const [one, other] = [this.#random.pick(this.#clusters(group)), this.#random.pick(this.#clusters(group))];
    const clusters = [
      { name: one, weight },
      { name: other, weight: 10_000 - weight },
    ];
    const route = { match: { prefix: "/" }, route: { weightedClusters: { clusters } } };
    return { "@type": ROUTES, name: `listener-${n}`, virtualHosts: [{ name: "all", domains: ["*"], routes: [route] }] };
  }
}

function listener(n: number): Json {
  const name = `listener-${n}`;
  const configSource = { resourceApiVersion: "V3", ads: {} };
  const router = { name: "router", typedConfig: { "@type": `${EXTENSION}.http.router.v3.Router` } };
  const typedConfig = {
    "@type": `${EXTENSION}.network.http_connection_manager.v3.HttpConnectionManager`,
    statPrefix: name,
    rds: { routeConfigName: name, configSource },
    httpFilters: [router],
  };
  const address = { socketAddress: { address: "127.0.0.1", portValue: 20_000 + n } };
  return { "@type": LISTENER, name, address, filterChains: [{ filters: [{ name: "http", typedConfig }] }] };
}
