import { formatPath, type Problem } from "../core/failure/problem.ts";
import type { Mesh, Service, Weights } from "../core/mesh/mesh.ts";
import { WHOLE } from "../core/mesh/mesh.ts";
import { versionCluster } from "../core/mesh/names.ts";
import type { Selection } from "../core/mesh/selection.ts";
import type { Resource } from "../core/resource/resource.ts";
import { CLUSTER, shortTypeName } from "../core/resource/type-url.ts";
import { clusterOf } from "./cluster.ts";
import type { Codec } from "./codec.ts";
import { doorsOf } from "./doors.ts";
import { type Draft, indexServices, type Path } from "./draft.ts";
import { endpointsOf } from "./endpoints.ts";

/** What is compiled for one group of nodes. */
export interface Compilation {
  readonly resources: readonly Resource[];
  /** With paths into the mesh. With any problem the resources must not be served. */
  readonly problems: readonly Problem[];
}

/**
 * What the nodes of one group get: a pure function, so that two replicas, or one before and after a restart,
 * give the same bytes. Only the clusters that their routes can reach are among it: all versions of each service that a
 * route names, the versions it mirrors to, and what their raw resources refer to.
 */
export function compile(mesh: Mesh, weights: Weights, selection: Selection, codec: Codec): Compilation {
  const collected = new Collected(codec);
  const services = indexServices(mesh);
  const doors = doorsOf(mesh, weights, selection);
  const wanted = new Set(doors.clusters);
  for (const index of selection.resources) {
    const raw = mesh.resources[index];
    if (raw === undefined) continue;
    const resource = collected.add({ json: raw.resource, origin: (path) => ["resources", index, ...path], raw: true });
    for (const { typeUrl, name } of resource?.refs ?? []) if (typeUrl === CLUSTER) wanted.add(name);
  }
  for (const [service, index] of services.values()) {
    for (const draft of versionDrafts(service, index, wanted, codec)) collected.add(draft);
    if (doors.services.has(service.name)) collected.problems.push(...weightProblems(service, index, weights));
  }
  for (const draft of doors.drafts) collected.add(draft);
  return { resources: collected.resources, problems: [...doors.problems, ...collected.problems] };
}

/** Resources as they are encoded, and what was found wrong with them. */
class Collected {
  readonly resources: Resource[] = [];
  readonly problems: Problem[] = [];
  readonly #codec: Codec;
  readonly #taken = new Map<string, Draft>();

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  add(draft: Draft): Resource | undefined {
    const { json, origin, raw } = draft;
    const encoded = this.#codec.encode(json);
    if ("problems" in encoded) {
      for (const problem of encoded.problems)
        this.problems.push(raw ? { ...problem, path: origin(problem.path) } : explained(json, origin, problem));
      return undefined;
    }
    const { resource } = encoded;
    const key = `${resource.typeUrl} ${resource.name}`;
    const other = this.#taken.get(key);
    // The one that a person named is the one that can be renamed.
    if (other !== undefined) this.problems.push(taken(resource, (other.raw === true ? other : draft).origin([])));
    this.#taken.set(key, draft);
    this.resources.push(resource);
    return resource;
  }
}

function versionDrafts(service: Service, index: number, wanted: ReadonlySet<string>, codec: Codec): Draft[] {
  return service.versions.flatMap((version) => {
    const name = versionCluster(service.name, version.name);
    if (!wanted.has(name)) return [];
    const path: Path = ["services", index, "versions", version.name];
    const cluster: Draft = { json: clusterOf(service, version, codec), origin: () => path };
    if (version.source.kind === "dns") return [cluster];
    const { endpoints } = version.source;
    return [cluster, { json: endpointsOf(name, endpoints), origin: () => [...path, "endpoints"] }];
  });
}

/** A split that is not whole would be served in another proportion than anyone asked for. */
function weightProblems(service: Service, index: number, weights: Weights): Problem[] {
  const split = Object.hasOwn(weights, service.name) ? (weights[service.name] ?? {}) : {};
  const total = service.versions.reduce(
    (sum, { name }) => sum + (Object.hasOwn(split, name) ? (split[name] ?? 0) : 0),
    0,
  );
  if (total === WHOLE) return [];
  const message = `the weights of ${service.name} make ${total} basis points, not ${WHOLE}`;
  return [{ path: ["services", index, "traffic"], message, code: "weights-sum" }];
}

/** A mistake in a generated resource, told to someone who wrote a mesh. */
function explained(json: Draft["json"], origin: Draft["origin"], problem: Problem): Problem {
  const [type, name] = [json["@type"], json["name"] ?? json["cluster_name"]];
  const where = typeof type === "string" && typeof name === "string" ? `${shortTypeName(type)} ${name}, ` : "";
  return {
    ...problem,
    path: origin(problem.path),
    message: `in the generated ${where}${formatPath(problem.path)}: ${problem.message}`,
  };
}

function taken(resource: Resource, path: Path): Problem {
  return {
    path,
    message: `the same nodes get two resources ${resource.name} among their ${shortTypeName(resource.typeUrl)}`,
    hint: "rename one of them, or give them different nodes",
    code: "duplicate-resource",
  };
}
