/*
 * Names of the Envoy resources that Belay makes. Names that people give consist of letters, digits, `.`, `_` and `-`,
 * so `@` and `/` keep these apart from each other and from the names of gateways.
 */

/** What a name given by a person may be, in the words of a regular expression. */
export const NAME_PATTERN = "^[a-zA-Z0-9][a-zA-Z0-9._-]*$";

/** Longest name that a person may give. */
export const NAME_LIMIT = 100;

/** The Envoy cluster of a version, and its EDS service name: `reviews@v1`. */
export function versionCluster(service: string, version: string): string {
  return `${service}@${version}`;
}

/** The Envoy cluster of the application beside a sidecar. */
export function appCluster(service: string): string {
  return `sidecar/${service}/app`;
}

/** Listener and route configuration of a sidecar for requests to its application. */
export function inboundListener(service: string): string {
  return `sidecar/${service}/inbound`;
}

/** Listener and route configuration of a sidecar for requests of its application. */
export function outboundListener(service: string): string {
  return `sidecar/${service}/outbound`;
}

/** The cluster in a bootstrap by which Envoys reach Belay. Envoy ignores a cluster from outside with the same name. */
export const XDS_CLUSTER = "xds";
