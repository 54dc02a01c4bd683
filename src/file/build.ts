import type { Problem } from "../core/failure/problem.ts";
import type {
  Gateway,
  Mesh,
  PathMatch,
  Protocol,
  Route,
  Service,
  ServiceVersion,
  Sidecar,
  ValueMatch,
} from "../core/mesh/mesh.ts";
import { WHOLE } from "../core/mesh/mesh.ts";
import type { NodeSelector } from "../core/node/node.ts";
import type { FileMatchers, FileNodes, FileRoute, FileService, MeshFile } from "./schema.ts";

const DEFAULT_TIER = 2;
const DEFAULT_TIMEOUT_MS = 15_000;
const DEFAULT_ATTEMPTS = 1;
const DEFAULT_BUDGET_PERCENT = 20;

/** The complete mesh of a file that has the right shape: every default filled in. */
export function buildMesh(file: MeshFile): { mesh: Mesh; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const services = (file.services ?? []).map((service, index) => buildService(service, index, problems));
  const gateways = (file.gateways ?? []).map(
    (gateway): Gateway => ({
      name: gateway.name,
      nodes: selectorOf(gateway.nodes),
      listen: gateway.listen,
      hosts: gateway.hosts.map(({ domains, routes }) => ({ domains: asList(domains), routes: routes.map(buildRoute) })),
    }),
  );
  const sidecars = (file.sidecars ?? []).map(buildSidecar);
  const resources = (file.resources ?? []).map(({ nodes, ...resource }) => ({ nodes: selectorOf(nodes), resource }));
  return { mesh: { services, gateways, sidecars, resources }, problems };
}

function buildService(service: FileService, index: number, problems: Problem[]): Service {
  const versions = Object.entries(service.versions).map(([name, version]) => ({
    name,
    protocol: protocolOf(version.protocol ?? service.protocol),
    source: sourceOf(version),
  }));
  return {
    name: service.name,
    owner: service.owner,
    tier: (service.tier ?? DEFAULT_TIER) as Service["tier"],
    timeoutMs: service.timeout ?? DEFAULT_TIMEOUT_MS,
    retries: {
      attempts: service.retries?.attempts ?? DEFAULT_ATTEMPTS,
      budgetPercent: service.retries?.budget === undefined ? DEFAULT_BUDGET_PERCENT : service.retries.budget / 100,
    },
    versions,
    traffic: trafficOf(service, index, problems),
    dependsOn: service.dependsOn ?? [],
  };
}

/** Every version gets an entry; versions that do not exist keep theirs, for `checkMesh` to report. */
function trafficOf(service: FileService, index: number, problems: Problem[]): Record<string, number> {
  const names = Object.keys(service.versions);
  const [first] = names;
  if (service.traffic === undefined && names.length > 1) {
    const split = names.map((name, at) => `${name}: ${at === 0 ? 100 : 0}%`).join(", ");
    const message = `${service.name} has ${names.length} versions and does not say how its traffic is split`;
    problems.push({
      path: ["services", index],
      message,
      hint: `for example traffic: { ${split} }`,
      code: "traffic-missing",
    });
  }
  const given = service.traffic ?? (first === undefined ? {} : { [first]: WHOLE });
  return Object.fromEntries([...names.map((name): [string, number] => [name, 0]), ...Object.entries(given)]);
}

function sourceOf(version: FileService["versions"][string]): ServiceVersion["source"] {
  if (version.dns !== undefined) return { kind: "dns", ...version.dns };
  return { kind: "endpoints", endpoints: version.endpoints ?? [] };
}

function protocolOf(protocol: FileService["protocol"]): Protocol {
  return typeof protocol === "object" ? { kind: "http1", why: protocol.http1 } : { kind: "http2" };
}

function selectorOf(nodes: FileNodes): NodeSelector {
  if (nodes === "all") return "all";
  const { cluster, id, labels } = nodes;
  return {
    ...(cluster === undefined ? {} : { cluster: asList(cluster) }),
    ...(id === undefined ? {} : { id: asList(id) }),
    ...(labels === undefined
      ? {}
      : { labels: Object.fromEntries(Object.entries(labels).map(([label, values]) => [label, asList(values)])) }),
  };
}

function buildSidecar(sidecar: NonNullable<MeshFile["sidecars"]>[number]): Sidecar {
  return {
    service: sidecar.service,
    nodes: sidecar.nodes === undefined ? { cluster: [sidecar.service] } : selectorOf(sidecar.nodes),
    ...(sidecar.inbound === undefined ? {} : { inbound: sidecar.inbound }),
    ...(sidecar.app === undefined ? {} : { app: sidecar.app }),
    ...(sidecar.outbound === undefined ? {} : { outbound: sidecar.outbound }),
  };
}

function buildRoute(route: FileRoute): Route {
  return {
    path: pathOf(route.path),
    methods: route.methods === undefined ? [] : asList(route.methods),
    headers: matchesOf(route.headers),
    query: matchesOf(route.query),
    to: route.to,
    ...(route.timeout === undefined ? {} : { timeoutMs: route.timeout }),
    ...(route.mirror === undefined
      ? {}
      : { mirror: { to: route.mirror.to, version: route.mirror.version, basisPoints: route.mirror.percent } }),
  };
}

function pathOf(path: FileRoute["path"]): PathMatch {
  if (typeof path === "string") return { kind: "prefix", value: path };
  return path.exact === undefined ? { kind: "regex", value: path.regex ?? "" } : { kind: "exact", value: path.exact };
}

/** By name: all must match, so their order in the file says nothing and may not change what Envoy gets. */
function matchesOf(matchers: FileMatchers | undefined): ValueMatch[] {
  const entries = Object.entries(matchers ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, match]) => ({ name, match: matchOf(match) }));
}

function matchOf(match: FileMatchers[string]): ValueMatch["match"] {
  if (typeof match === "string") return { kind: "exact", value: match };
  if (match.exact !== undefined) return { kind: "exact", value: match.exact };
  if (match.regex !== undefined) return { kind: "regex", value: match.regex };
  return { kind: "present", value: match.present ?? true };
}

function asList<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}
