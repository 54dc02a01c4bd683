import type { Endpoint } from "../core/mesh/mesh.ts";
import { ENDPOINTS } from "../core/resource/type-url.ts";
import { type Json, socketAddress } from "./json.ts";

/**
 * The endpoints of a cluster, by zone in the order in which zones first occur. Each zone carries its weight: Envoy balances
 * over all hosts alike, and gRPC clients skip a zone without one.
 */
export function endpointsOf(cluster: string, endpoints: readonly Endpoint[]): Json {
  const zones = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) {
    const zone = zones.get(endpoint.zone);
    if (zone === undefined) zones.set(endpoint.zone, [endpoint]);
    else zone.push(endpoint);
  }
  return {
    "@type": ENDPOINTS,
    cluster_name: cluster,
    endpoints: [...zones].map(([zone, members]) => ({
      locality: zone === "" ? {} : { zone },
      load_balancing_weight: members.reduce((total, { weight }) => total + weight, 0),
      lb_endpoints: members.map(({ address, port, weight }) => ({
        endpoint: { address: socketAddress(address, port) },
        load_balancing_weight: weight,
      })),
    })),
  };
}
