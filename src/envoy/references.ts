import type { DescMessage } from "@bufbuild/protobuf";
import type { Reference } from "../core/resource/resource.ts";
import { CLUSTER, ENDPOINTS, EXTENSION_CONFIG, ROUTES, SECRET } from "../core/resource/type-url.ts";
import { isObject } from "./json-kinds.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * What the messages of one resource refer to by name and ask for over xDS. Every message is looked at, wherever it
 * nests: filter chains, the default one, the API listener, matchers and composite filters. A reference that is
 * overlooked is a resource that is removed too early. What comes from a file or from the bootstrap is no reference.
 */
export class References {
  #found: Reference[] | undefined;

  add(typeUrl: string, name: unknown): void {
    if (typeof name !== "string" || name === "") return;
    // Most resources have one reference and keep it for as long as they live: in a list that has room for no more.
    if (this.#found === undefined) this.#found = [{ typeUrl, name }];
    else this.#found.push({ typeUrl, name });
  }

  /** Each once, sorted, so that equal content has equal references whatever the order of its keys. */
  sorted(): readonly Reference[] {
    const all = this.#found ?? NONE;
    if (all.length < 2) return all;
    const byKey = new Map(all.map((found) => [`${found.typeUrl} ${found.name}`, found]));
    return [...byKey.keys()].sort().flatMap((key) => byKey.get(key) ?? []);
  }
}

const NONE: readonly Reference[] = [];

/** In here clusters are those of the bootstrap: Envoy takes no others for its own streams. */
export const OWN_STREAMS = "envoy.config.core.v3.ApiConfigSource";

const ROUTE = "envoy.config.route.v3";
const FILTERS = "envoy.extensions.filters";
const HCM = `${FILTERS}.network.http_connection_manager.v3`;

/** Adds what one message refers to. */
export type Collect = (found: References, json: Json) => void;

/**
 * How the references of such a message itself are found; undefined where it has none. What is found is of JSON in canonical
 * form: the proto's names, enums by name.
 */
export function collectorOf({ typeName }: DescMessage): Collect | undefined {
  const other = typeName.startsWith("envoy.extensions.") ? named(CLUSTER, "cluster") : undefined;
  return COLLECTORS.get(typeName) ?? other;
}

const COLLECTORS: ReadonlyMap<string, Collect> = new Map([
  ["envoy.config.cluster.v3.Cluster", ofCluster],
  ["envoy.extensions.clusters.aggregate.v3.ClusterConfig", ofClusterNames],
  ["envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig", ofSecretConfig],
  [`${HCM}.Rds`, ofRds],
  [`${ROUTE}.ScopedRouteConfiguration`, named(ROUTES, "route_configuration_name")],
  [`${HCM}.HttpFilter`, ofFilter],
  ["envoy.config.listener.v3.Filter", ofFilter],
  ["envoy.config.listener.v3.ListenerFilter", ofFilter],
  [`${ROUTE}.RouteAction`, named(CLUSTER, "cluster")],
  [`${ROUTE}.RouteAction.RequestMirrorPolicy`, named(CLUSTER, "cluster")],
  [`${ROUTE}.WeightedCluster.ClusterWeight`, named(CLUSTER, "name")],
  [`${FILTERS}.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight`, named(CLUSTER, "name")],
  [`${FILTERS}.network.thrift_proxy.v3.WeightedCluster.ClusterWeight`, named(CLUSTER, "name")],
  ["envoy.extensions.router.cluster_specifiers.lua.v3.LuaConfig", named(CLUSTER, "default_cluster")],
  ["envoy.extensions.router.cluster_specifiers.priority_group.v3.ClusterWeight", named(CLUSTER, "cluster_name")],
  ["envoy.config.core.v3.GrpcService.EnvoyGrpc", named(CLUSTER, "cluster_name")],
  ["envoy.config.core.v3.HttpUri", named(CLUSTER, "cluster")],
  ["envoy.config.trace.v3.DatadogConfig", named(CLUSTER, "collector_cluster")],
  ["envoy.config.trace.v3.ZipkinConfig", named(CLUSTER, "collector_cluster")],
]);

function named(typeUrl: string, field: string): Collect {
  return (found, json) => found.add(typeUrl, json[field]);
}

/** The endpoints of an EDS cluster have its name unless it says another. */
function ofCluster(found: References, cluster: Json): void {
  const eds = cluster["eds_cluster_config"];
  if (cluster["type"] !== "EDS" || !isObject(eds) || !isServed(eds["eds_config"])) return;
  const { service_name: name } = eds;
  found.add(ENDPOINTS, name === undefined || name === "" ? cluster["name"] : name);
}

function ofClusterNames(found: References, { clusters }: Json): void {
  if (Array.isArray(clusters)) for (const name of clusters) found.add(CLUSTER, name);
}

function ofSecretConfig(found: References, json: Json): void {
  if (isServed(json["sds_config"])) found.add(SECRET, json["name"]);
}

function ofRds(found: References, json: Json): void {
  if (isServed(json["config_source"])) found.add(ROUTES, json["route_config_name"]);
}

/** A filter whose configuration is asked for by the filter's name. */
function ofFilter(found: References, json: Json): void {
  const discovery = json["config_discovery"];
  if (isObject(discovery) && isServed(discovery["config_source"])) found.add(EXTENSION_CONFIG, json["name"]);
}

/** Does a ConfigSource say that the resource is asked for on an xDS stream, rather than read from a file? */
function isServed(source: unknown): boolean {
  return isObject(source) && ["ads", "self", "api_config_source"].some((way) => source[way] !== undefined);
}
