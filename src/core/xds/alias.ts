import { ROUTES, VIRTUAL_HOST } from "../resource/type-url.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";

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
  const hosts = view.types.get(VIRTUAL_HOST)?.resources ?? new Map<string, never>();
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
  for (const { name, finding } of view.types.get(ROUTES)?.resources.values() ?? []) {
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
