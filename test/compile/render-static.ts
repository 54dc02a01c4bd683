import { CLUSTER, ENDPOINTS, LISTENER, ROUTES } from "../../src/core/resource/type-url.ts";
import type { Json } from "./recorder.ts";

/**
 * A bootstrap with the resources as they would be in force: endpoints in their clusters, routes in their listeners,
 * where Envoy also holds the clusters that routes name against those there are.
 */
export function renderStatic(resources: readonly Json[]): Json {
  const endpoints = byName(resources, ENDPOINTS, "cluster_name");
  const routes = byName(resources, ROUTES, "name");
  const clusters = resources.filter(isOf(CLUSTER)).map((cluster) => {
    if (cluster["type"] !== "EDS") return cluster;
    const { eds_cluster_config: _, ...rest } = cluster;
    return { ...rest, type: "STATIC", load_assignment: endpoints.get(String(cluster["name"])) };
  });
  const listeners = resources.filter(isOf(LISTENER)).map((listener) => inlined(listener, routes) as Json);
  return { static_resources: { clusters: clusters.map(bare), listeners: listeners.map(bare) } };
}

function isOf(typeUrl: string): (resource: Json) => boolean {
  return (resource) => resource["@type"] === typeUrl;
}

function byName(resources: readonly Json[], typeUrl: string, key: string): ReadonlyMap<string, Json> {
  return new Map(resources.filter(isOf(typeUrl)).map((resource) => [String(resource[key]), bare(resource)]));
}

function inlined(value: unknown, routes: ReadonlyMap<string, Json>): unknown {
  if (Array.isArray(value)) return value.map((item) => inlined(item, routes));
  if (typeof value !== "object" || value === null) return value;
  const { rds, ...rest } = value as Json;
  const copy = Object.fromEntries(Object.entries(rest).map(([key, child]) => [key, inlined(child, routes)]));
  if (rds === undefined) return copy;
  const table = routes.get(String((rds as Json)["route_config_name"]));
  if (table === undefined) throw new Error(`no routes ${JSON.stringify(rds)}`);
  const { validate_clusters: _, ...config } = table;
  return { ...copy, route_config: config };
}

function bare(resource: Json): Json {
  const { "@type": _, ...rest } = resource;
  return rest;
}
