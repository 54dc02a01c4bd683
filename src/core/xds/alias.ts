import { ROUTES, VIRTUAL_HOST } from "../resource/type-url.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { resourcesOf } from "../snapshot/snapshot.ts";
import { knownOf } from "./client.ts";
import type { SentResource } from "./message.ts";
import type { Said } from "./portion.ts";
import type { TypeState } from "./type-state.ts";
import type { Finder } from "./wanted.ts";

/** Finds the virtual hosts of a snapshot by what an Envoy asks for: `<route>/<host>`, where a route's name may have slashes. */
export interface HostIndex {
  /** The name of the virtual host that has this one, if any. */
  readonly find: (asked: string) => string | undefined;
  /** Routes whose virtual hosts are asked for one by one. */
  readonly routes: readonly string[];
}

/**
 * Stands for the virtual hosts of a route as such. An Envoy asks for them without a name when it gets the route, and its
 * listener warms until it hears anything of them: an empty response does not do, one that says this to be none does.
 */
export function hostsOf(route: string): string {
  return `${route}/`;
}

/** The version of a virtual host that is said not to exist; no content hash is like it. */
export const NO_HOST = "none";

const NO_BYTES = new Uint8Array();

/** The virtual hosts of one route by domain; patterns the longest first, as Envoy tries them. */
interface Domains {
  readonly exact: Map<string, string>;
  readonly suffixes: [pattern: string, name: string][];
  readonly prefixes: [pattern: string, name: string][];
  any: string | undefined;
}

const NOT_BY_DOMAIN: HostIndex = { find: () => undefined, routes: [] };

/** Made once for each snapshot of which a virtual host is asked for. */
const indexes = new WeakMap<Snapshot, HostIndex>();

/** The index of a snapshot's virtual hosts. */
export function hostIndexOf(view: Snapshot | undefined): HostIndex {
  if (view === undefined) return NOT_BY_DOMAIN;
  const known = indexes.get(view);
  if (known !== undefined) return known;
  const made = indexOf(view);
  indexes.set(view, made);
  return made;
}

function indexOf(view: Snapshot): HostIndex {
  const hosts = resourcesOf(view, VIRTUAL_HOST);
  const byRoute = new Map<string, Domains>();
  for (const { name, finding } of hosts.values()) {
    if (finding?.kind !== "virtual-host") continue;
    const { route } = split(name);
    const domains = byRoute.get(route) ?? { exact: new Map(), suffixes: [], prefixes: [], any: undefined };
    byRoute.set(route, domains);
    for (const domain of finding.domains) add(domains, domain, name);
  }
  for (const { suffixes, prefixes } of byRoute.values()) {
    for (const patterns of [suffixes, prefixes]) patterns.sort(([a], [b]) => b.length - a.length);
  }
  const ignoring = new Set<string>();
  const routes: string[] = [];
  for (const { name, finding } of resourcesOf(view, ROUTES).values()) {
    if (finding?.kind !== "on-demand-routes") continue;
    routes.push(name);
    if (finding.ignoresPorts) ignoring.add(name);
  }
  const find = (asked: string): string | undefined => {
    const { route, host } = split(asked);
    if (host === "") return hosts.has(asked) ? asked : undefined;
    const domains = byRoute.get(route);
    const looked = ignoring.has(route) ? withoutPort(host) : host;
    const exact = domains?.exact.get(looked);
    if (exact !== undefined) return exact;
    return hosts.has(asked) ? asked : domains && byPattern(domains, looked);
  };
  return { find, routes };
}

function add(domains: Domains, domain: string, name: string): void {
  if (domain === "*") domains.any ??= name;
  else if (domain.startsWith("*")) domains.suffixes.push([domain.slice(1), name]);
  else if (domain.endsWith("*")) domains.prefixes.push([domain.slice(0, -1), name]);
  else if (!domains.exact.has(domain)) domains.exact.set(domain, name);
}

/** A star stands for a character at least. */
function byPattern({ suffixes, prefixes, any }: Domains, host: string): string | undefined {
  const suffix = suffixes.find(([pattern]) => host.length > pattern.length && host.endsWith(pattern));
  if (suffix !== undefined) return suffix[1];
  const prefix = prefixes.find(([pattern]) => host.length > pattern.length && host.startsWith(pattern));
  return prefix === undefined ? any : prefix[1];
}

function split(name: string): { route: string; host: string } {
  const slash = name.lastIndexOf("/");
  return { route: name.slice(0, Math.max(0, slash)), host: name.slice(slash + 1).toLowerCase() };
}

/** Envoy's own rule: digits after the last colon, which no IPv6 address in brackets ends with. */
function withoutPort(host: string): string {
  return host.replace(/^([^:]+|.*\]):\d+$/, "$1");
}

/** Virtual hosts by the hosts that clients ask for (VHDS, P38). */
export class HostFinder implements Finder {
  readonly #view: Snapshot;
  readonly #names: ReadonlySet<string>;

  constructor(view: Snapshot, names: ReadonlySet<string>) {
    this.#view = view;
    this.#names = names;
  }

  members(asked: Iterable<string>): Iterable<string> {
    const { find } = hostIndexOf(this.#view);
    return new Set(Array.from(asked, (name) => find(name) ?? name));
  }

  answer(state: TypeState, { resources, removed }: Said): ReturnType<Finder["answer"]> {
    const aliases = resources.length === 0 ? new Map<string, string[]>() : this.#aliases();
    const again: string[] = [];
    const gone: string[] = [];
    const found: SentResource[] = resources.map((one) => ({ ...one, aliases: aliases.get(one.name) ?? [] }));
    for (const name of removed) {
      if (!this.#names.has(name)) gone.push(name);
      else if (knownOf(state.client, name) === undefined) found.push(absent(name));
      else {
        // Its name cannot be in both lists of a response (N11), and a request may wait for the other one.
        gone.push(name);
        if (state.owed === "all" || state.owed.has(name)) again.push(name);
      }
    }
    return { said: { resources: found, removed: gone }, again };
  }

  /** By virtual host, what the client has asked for and was led to it. */
  #aliases(): ReadonlyMap<string, string[]> {
    const { find } = hostIndexOf(this.#view);
    const aliases = new Map<string, string[]>();
    for (const asked of this.#names) {
      const name = find(asked);
      if (name === undefined) continue;
      const known = aliases.get(name);
      if (known === undefined) aliases.set(name, [asked]);
      else known.push(asked);
    }
    return aliases;
  }
}

/** Ends the requests that wait for the host with 404; to hear of its removal would leave them hanging. */
function absent(name: string): SentResource {
  return {
    typeUrl: VIRTUAL_HOST,
    name,
    version: NO_HOST,
    bytes: NO_BYTES,
    refs: [],
    aliases: [name],
    isBodiless: true,
  };
}
