import type { Problem } from "../core/failure/problem.ts";
import type { Gateway, HostPort, Mesh, Service, Sidecar, Weights } from "../core/mesh/mesh.ts";
import { inboundListener, outboundListener, versionCluster } from "../core/mesh/names.ts";
import type { Selection } from "../core/mesh/selection.ts";
import { appClusterOf } from "./cluster.ts";
import { type Draft, indexServices, type Path } from "./draft.ts";
import { listenerOf } from "./listener.ts";
import { gatewayRoutes, inboundRoutes, outboundRoutes, type RouteContext } from "./routes.ts";

/** Where requests come in: listeners with their routes, and what they lead to. */
export interface Doors {
  readonly drafts: readonly Draft[];
  /** Names of the version clusters that the routes can reach. */
  readonly clusters: ReadonlySet<string>;
  /** Names of the services whose traffic is split. */
  readonly services: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

/** The doors of the gateways and sidecars that a group of nodes is. */
export function doorsOf(mesh: Mesh, weights: Weights, selection: Selection): Doors {
  const found = new FoundDoors(mesh, weights);
  for (const index of selection.gateways) {
    const gateway = mesh.gateways[index];
    if (gateway !== undefined) found.addGateway(gateway, index);
  }
  for (const index of selection.sidecars) {
    const sidecar = mesh.sidecars[index];
    if (sidecar !== undefined) found.addSidecar(sidecar, index);
  }
  return found;
}

class FoundDoors implements Doors {
  readonly drafts: Draft[] = [];
  readonly clusters = new Set<string>();
  readonly services = new Set<string>();
  readonly problems: Problem[] = [];
  readonly #index: ReadonlyMap<string, readonly [Service, number]>;
  readonly #context: RouteContext;
  readonly #addresses = new Map<string, string>();

  constructor(mesh: Mesh, weights: Weights) {
    this.#index = indexServices(mesh);
    this.#context = { weights, service: (name) => this.#index.get(name)?.[0] };
  }

  addGateway(gateway: Gateway, index: number): void {
    const base: Path = ["gateways", index];
    for (const route of gateway.hosts.flatMap(({ routes }) => routes)) {
      this.#reach(route.to);
      if (route.mirror !== undefined) this.clusters.add(versionCluster(route.mirror.to, route.mirror.version));
    }
    this.#listen(gateway.name, gateway.listen, [...base, "listen"]);
    const listener = listenerOf(gateway.name, gateway.listen, "edge", "OUTBOUND");
    this.drafts.push({ json: listener, origin: () => base });
    this.drafts.push({ json: gatewayRoutes(gateway, this.#context), origin: (path) => routeOrigin(base, path) });
  }

  addSidecar(sidecar: Sidecar, index: number): void {
    const base: Path = ["sidecars", index];
    const service = this.#context.service(sidecar.service);
    if (service === undefined) {
      const message = `there is no service ${sidecar.service}`;
      this.problems.push({ path: [...base, "service"], message, code: "unknown-service" });
      return;
    }
    if (sidecar.inbound !== undefined && sidecar.app !== undefined) {
      const name = inboundListener(service.name);
      this.#listen(name, sidecar.inbound, [...base, "inbound"]);
      this.#draft(
        base,
        appClusterOf(service, sidecar.app),
        listenerOf(name, sidecar.inbound, "mesh", "INBOUND"),
        inboundRoutes(service),
      );
    }
    if (sidecar.outbound !== undefined) {
      const name = outboundListener(service.name);
      const dependencies = service.dependsOn.flatMap((dependency) => this.#context.service(dependency) ?? []);
      for (const { name: dependency } of dependencies) this.#reach(dependency);
      this.#listen(name, sidecar.outbound, [...base, "outbound"]);
      const listener = listenerOf(name, sidecar.outbound, "mesh", "OUTBOUND");
      this.#draft(base, listener, outboundRoutes(sidecar, dependencies, this.#context));
    }
  }

  #draft(origin: Path, ...resources: readonly Draft["json"][]): void {
    for (const json of resources) this.drafts.push({ json, origin: () => origin });
  }

  #reach(name: string): void {
    const service = this.#context.service(name);
    if (service === undefined) return;
    this.services.add(name);
    for (const version of service.versions) this.clusters.add(versionCluster(name, version.name));
  }

  #listen(name: string, { address, port }: HostPort, path: Path): void {
    const key = `${address} ${port}`;
    const other = this.#addresses.get(key);
    if (other !== undefined) {
      const message = `${name} and ${other} listen on the same address and port of the same nodes`;
      this.problems.push({
        path,
        message,
        hint: "give one of them another port, or different nodes",
        code: "duplicate-listen",
      });
    }
    this.#addresses.set(key, name);
  }
}

/** `virtual_hosts[j].routes[k]…` of the route configuration is `hosts[j].routes[k]` of the gateway. */
function routeOrigin(base: Path, path: Path): Path {
  const [, host, , route, part, field] = path;
  if (typeof host !== "number") return base;
  if (typeof route !== "number") return [...base, "hosts", host];
  const at: Path = [...base, "hosts", host, "routes", route];
  if (part === "route") return [...at, field === "request_mirror_policies" ? "mirror" : "to"];
  if (part !== "match") return at;
  return [...at, field === "headers" ? "headers" : field === "query_parameters" ? "query" : "path"];
}
