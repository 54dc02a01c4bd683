import { formatPath, type Problem } from "../failure/problem.ts";
import { type Findings, unknownService } from "./check-findings.ts";
import type { Gateway, Route, VirtualHost } from "./mesh.ts";
import { nearest } from "./nearest.ts";

type Path = Problem["path"];

/** The rules of one gateway: its name, its address, its domains, and each of its routes. */
export function checkGateway(findings: Findings, gateway: Gateway, index: number): void {
  const path = ["gateways", index];
  const first = findings.claims.claim(`gateway ${gateway.name}`, "all", formatPath(path));
  if (first !== undefined) {
    findings.add([...path, "name"], "duplicate-name", `a second gateway ${gateway.name}`, `the first is ${first}`);
  }
  findings.listen(gateway.listen, gateway.nodes, [...path, "listen"]);
  const domains = new Map<string, string>();
  for (const [at, host] of gateway.hosts.entries()) {
    const hostPath = [...path, "hosts", at];
    checkDomains(findings, host, hostPath, domains);
    checkOrder(findings, host.routes, hostPath);
    for (const [number, route] of host.routes.entries()) checkRoute(findings, route, [...hostPath, "routes", number]);
  }
}

function checkDomains(findings: Findings, host: VirtualHost, path: Path, seen: Map<string, string>): void {
  for (const [index, domain] of host.domains.entries()) {
    const key = domain.toLowerCase();
    const other = seen.get(key);
    if (other !== undefined) {
      findings.add(
        [...path, "domains", index],
        "duplicate-domain",
        `the domain ${domain} is given twice in this gateway`,
        `first in ${other}`,
      );
    }
    seen.set(key, other ?? formatPath(path));
  }
}

function checkRoute(findings: Findings, route: Route, path: Path): void {
  if (!findings.services.has(route.to)) unknownService(findings, [...path, "to"], route.to);
  if (route.mirror === undefined) return;
  const { to, version } = route.mirror;
  const service = findings.services.get(to);
  if (service === undefined) {
    unknownService(findings, [...path, "mirror", "to"], to);
    return;
  }
  const names = service.versions.map(({ name }) => name);
  if (names.includes(version)) return;
  const meant = nearest(version, names);
  const hint = meant === undefined ? `it has ${names.slice(0, 10).join(", ")}` : `did you mean ${meant}?`;
  findings.add([...path, "mirror", "version"], "unknown-version", `${to} has no version ${version}`, hint);
}

/**
 * Routes that can never match, since an earlier one of the host takes all that they would. Only what is certain:
 * an earlier route without further conditions whose path covers this one's, or the very same conditions again.
 */
function checkOrder(findings: Findings, routes: readonly Route[], path: Path): void {
  const catchers = new Map<string, number>();
  const same = new Map<string, number>();
  for (const [index, route] of routes.entries()) {
    const conditions = conditionsOf(route);
    const earlier = catcherOf(route, catchers) ?? same.get(conditions);
    if (earlier !== undefined) {
      const message = `this route can never match: ${formatPath([...path, "routes", earlier])} takes all of its requests`;
      findings.add([...path, "routes", index], "unreachable-route", message, "put the narrower route first");
      continue;
    }
    same.set(conditions, index);
    if (isUnconditional(route)) catchers.set(`${route.path.kind} ${route.path.value}`, index);
  }
}

/** The earlier unconditional route that covers the path: the same, or a prefix of it by whole segments. */
function catcherOf({ path }: Route, catchers: ReadonlyMap<string, number>): number | undefined {
  const found = [catchers.get(`${path.kind} ${path.value}`), catchers.get("prefix /")];
  if (path.kind !== "regex") {
    for (let end = path.value.length; end > 0; end = path.value.lastIndexOf("/", end - 1)) {
      found.push(catchers.get(`prefix ${path.value.slice(0, end)}`));
    }
  }
  const indexes = found.filter((index) => index !== undefined);
  return indexes.length === 0 ? undefined : Math.min(...indexes);
}

function isUnconditional(route: Route): boolean {
  return route.methods.length + route.headers.length + route.query.length === 0;
}

function conditionsOf({ path, methods, headers, query }: Route): string {
  const texts = (list: readonly unknown[]): string[] => list.map((item) => JSON.stringify(item)).sort();
  return JSON.stringify([path, texts(methods), texts(headers), texts(query)]);
}
