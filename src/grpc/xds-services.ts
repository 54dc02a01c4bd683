import {
  CLUSTER,
  ENDPOINTS,
  EXTENSION_CONFIG,
  LISTENER,
  ROUTES,
  RUNTIME,
  SCOPED_ROUTES,
  SECRET,
  VIRTUAL_HOST,
} from "../core/resource/type-url.ts";

/** A service of Envoy's API through which resources are told: of one type, or of all. */
export interface XdsService {
  /** `package.Service`. */
  readonly name: string;
  /** The only type that it carries; undefined: any. */
  readonly typeUrl: string | undefined;
  /** Names of its methods; one that is undefined is not in Envoy's API. */
  readonly sotw: string | undefined;
  readonly delta: string | undefined;
  readonly fetch: string | undefined;
}

/** A service of one type, whose methods are called after what it carries. */
function serviceOf(name: string, plural: string, typeUrl: string): XdsService {
  return { name, typeUrl, sotw: `Stream${plural}`, delta: `Delta${plural}`, fetch: `Fetch${plural}` };
}

/** All services, as Envoy's API v3 has them. */
export const XDS_SERVICES: readonly XdsService[] = [
  {
    name: "envoy.service.discovery.v3.AggregatedDiscoveryService",
    typeUrl: undefined,
    sotw: "StreamAggregatedResources",
    delta: "DeltaAggregatedResources",
    fetch: undefined,
  },
  serviceOf("envoy.service.cluster.v3.ClusterDiscoveryService", "Clusters", CLUSTER),
  serviceOf("envoy.service.endpoint.v3.EndpointDiscoveryService", "Endpoints", ENDPOINTS),
  serviceOf("envoy.service.listener.v3.ListenerDiscoveryService", "Listeners", LISTENER),
  serviceOf("envoy.service.route.v3.RouteDiscoveryService", "Routes", ROUTES),
  serviceOf("envoy.service.route.v3.ScopedRoutesDiscoveryService", "ScopedRoutes", SCOPED_ROUTES),
  {
    name: "envoy.service.route.v3.VirtualHostDiscoveryService",
    typeUrl: VIRTUAL_HOST,
    sotw: undefined,
    delta: "DeltaVirtualHosts",
    fetch: undefined,
  },
  serviceOf("envoy.service.secret.v3.SecretDiscoveryService", "Secrets", SECRET),
  serviceOf("envoy.service.runtime.v3.RuntimeDiscoveryService", "Runtime", RUNTIME),
  serviceOf("envoy.service.extension.v3.ExtensionConfigDiscoveryService", "ExtensionConfigs", EXTENSION_CONFIG),
];
