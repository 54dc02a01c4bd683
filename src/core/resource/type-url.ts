/** Every type URL of Envoy starts with this. */
export const TYPE_URL_PREFIX = "type.googleapis.com/";

export const CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
export const ENDPOINTS = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
export const SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
export const LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener";
export const SCOPED_ROUTES = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration";
export const ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
export const VIRTUAL_HOST = "type.googleapis.com/envoy.config.route.v3.VirtualHost";
export const EXTENSION_CONFIG = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
export const RUNTIME = "type.googleapis.com/envoy.service.runtime.v3.Runtime";

/**
 * The order in which additions and changes are written to a stream, so that what is referred to
 * comes before what refers to it (xDS specification, "Eventual consistency considerations").
 */
export const WRITE_ORDER: readonly string[] = [
  CLUSTER,
  ENDPOINTS,
  SECRET,
  LISTENER,
  SCOPED_ROUTES,
  ROUTES,
  VIRTUAL_HOST,
  EXTENSION_CONFIG,
  RUNTIME,
];

/** Types whose SotW responses are complete sets: a name that is absent is deleted (specification, "Deleting resources"). */
export const COMPLETE_SET_TYPES: ReadonlySet<string> = new Set([CLUSTER, LISTENER]);

/** Short names for people: `clusters`, `routes`; an unknown type URL is its last part. */
export function shortTypeName(typeUrl: string): string {
  const known = SHORT_NAMES.get(typeUrl);
  if (known !== undefined) return known;
  return typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
}

const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  [CLUSTER, "clusters"],
  [ENDPOINTS, "endpoints"],
  [SECRET, "secrets"],
  [LISTENER, "listeners"],
  [SCOPED_ROUTES, "scoped routes"],
  [ROUTES, "routes"],
  [VIRTUAL_HOST, "virtual hosts"],
  [EXTENSION_CONFIG, "extension configs"],
  [RUNTIME, "runtime"],
]);
