import type { Gateway, PathMatch, Route, Service, Sidecar, ValueMatch, Weights } from "../core/mesh/mesh.ts";
import { appCluster, inboundListener, outboundListener, versionCluster } from "../core/mesh/names.ts";
import { ROUTES } from "../core/resource/type-url.ts";
import { duration, type Json } from "./json.ts";
import * as profile from "./profile.ts";

/** What routes need to know of the mesh. */
export interface RouteContext {
  readonly service: (name: string) => Service | undefined;
  readonly weights: Weights;
}

/** The route configuration of a gateway: one virtual host for each of its hosts, in the order of the file. */
export function gatewayRoutes(gateway: Gateway, context: RouteContext): Json {
  return {
    "@type": ROUTES,
    name: gateway.name,
    virtual_hosts: gateway.hosts.map(({ domains, routes }) => ({
      name: domains[0],
      domains,
      routes: routes.map((route) => ({ match: matchOf(route), ...actionOf(route, context) })),
    })),
    // Clients put the port into Host or not; which door they came through is known without it.
    ignore_port_in_host_matching: true,
    // Order between types is kept by the server; a cluster that is late is a 503, not a refused table.
    validate_clusters: false,
  };
}

/** The route configuration of a sidecar for its application: each dependency by its name, and nothing else. */
export function outboundRoutes(sidecar: Sidecar, dependencies: readonly Service[], context: RouteContext): Json {
  return {
    "@type": ROUTES,
    name: outboundListener(sidecar.service),
    virtual_hosts: dependencies.map((service) => ({
      name: service.name,
      domains: [service.name, `${service.name}:*`],
      routes: [{ match: { prefix: "/" }, ...actionOf({ to: service.name }, context) }],
    })),
    validate_clusters: false,
  };
}

/** The route configuration of a sidecar for its service: everything goes to the application, which is on the same host. */
export function inboundRoutes(service: Service): Json {
  return {
    "@type": ROUTES,
    name: inboundListener(service.name),
    virtual_hosts: [
      {
        name: service.name,
        domains: ["*"],
        routes: [
          // The caller's clock ends a request; a second one here would cut short what a route allows to take longer.
          { match: { prefix: "/" }, route: { cluster: appCluster(service.name), timeout: "0s", idle_timeout: "0s" } },
        ],
      },
    ],
    validate_clusters: false,
  };
}

function actionOf(route: Pick<Route, "to" | "timeoutMs" | "mirror">, { service, weights }: RouteContext): Json {
  const target = service(route.to);
  if (target === undefined) return { route: {} };
  return {
    route: {
      weighted_clusters: { clusters: splitOf(target, weights) },
      ...timeouts(route.timeoutMs ?? target.timeoutMs),
      ...(target.retries.attempts > 0 ? { retry_policy: retryPolicy(target.retries.attempts) } : {}),
      ...(route.mirror === undefined ? {} : { request_mirror_policies: [mirrorPolicy(route.mirror)] }),
    },
  };
}

/**
 * All versions in the order of the mesh, also those without traffic: with a constant order and total a request
 * keeps its version while weights grow, and a shift changes nothing but the numbers.
 */
function splitOf(service: Service, weights: Weights): Json[] {
  const split = Object.hasOwn(weights, service.name) ? (weights[service.name] ?? {}) : {};
  return service.versions.map(({ name }) => ({
    name: versionCluster(service.name, name),
    weight: Object.hasOwn(split, name) ? (split[name] ?? 0) : 0,
  }));
}

/** Longer requests than the listener's idle limit would be cut by it, where nothing moves until the answer. */
function timeouts(timeoutMs: number): Json {
  const idle = timeoutMs > profile.STREAM_IDLE_TIMEOUT_S.value * 1_000;
  return { timeout: duration(timeoutMs), ...(idle ? { idle_timeout: duration(timeoutMs) } : {}) };
}

function retryPolicy(attempts: number): Json {
  return {
    retry_on: profile.RETRY_ON.value,
    num_retries: attempts,
    retry_host_predicate: [
      {
        name: "envoy.retry_host_predicates.previous_hosts",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        },
      },
    ],
    host_selection_retry_max_attempts: profile.RETRY_OTHER_HOST.value,
    retry_back_off: {
      base_interval: profile.RETRY_BACK_OFF.value,
      max_interval: profile.RETRY_BACK_OFF_MAX.value,
    },
  };
}

/**
 * Envoy takes the same random number for the split and for mirroring, each modulo its own denominator. With the
 * denominator of the split (10,000) the copies would come from its first version only; with a million every whole percent
 * is a fair sample, and only what is left of it below one percent leans to the first version.
 */
function mirrorPolicy(mirror: NonNullable<Route["mirror"]>): Json {
  return {
    cluster: versionCluster(mirror.to, mirror.version),
    runtime_fraction: { default_value: { numerator: mirror.basisPoints * 100, denominator: "MILLION" } },
  };
}

function matchOf(route: Route): Json {
  const headers = [...(route.methods.length > 0 ? [methodMatch(route.methods)] : []), ...route.headers.map(valueMatch)];
  return {
    ...pathMatch(route.path),
    ...(headers.length > 0 ? { headers } : {}),
    ...(route.query.length > 0 ? { query_parameters: route.query.map(valueMatch) } : {}),
  };
}

function pathMatch({ kind, value }: PathMatch): Json {
  if (kind === "exact") return { path: value };
  if (kind === "regex") return { safe_regex: { regex: value } };
  return value === "/" ? { prefix: "/" } : { path_separated_prefix: value };
}

function methodMatch(methods: readonly string[]): Json {
  const [only = ""] = methods;
  const match = methods.length === 1 ? { exact: only } : { safe_regex: { regex: methods.join("|") } };
  return { name: ":method", string_match: match };
}

function valueMatch({ name, match }: ValueMatch): Json {
  if (match.kind === "present") return { name, present_match: match.value };
  return {
    name,
    string_match: match.kind === "exact" ? { exact: match.value } : { safe_regex: { regex: match.value } },
  };
}
