import type { NodeSelector } from "../node/node.ts";

/** Ten thousand basis points are the whole traffic of a service. */
export const WHOLE = 10_000;

/** What people write, with every default filled in. Words of service owners, not Envoy's. Immutable, JSON-safe. */
export interface Mesh {
  readonly services: readonly Service[];
  readonly gateways: readonly Gateway[];
  readonly sidecars: readonly Sidecar[];
  readonly resources: readonly RawResource[];
}

export type Protocol = { readonly kind: "http2" } | { readonly kind: "http1"; readonly why: string };

export interface Service {
  readonly name: string;
  readonly owner: string;
  /** 0 (most critical) .. 3. */
  readonly tier: 0 | 1 | 2 | 3;
  readonly timeoutMs: number;
  readonly retries: Retries;
  /** In the order of the file; never empty. */
  readonly versions: readonly ServiceVersion[];
  /** Version name → basis points, total 10,000: the split that a *new* service starts with. Every version has an entry. */
  readonly traffic: Readonly<Record<string, number>>;
  readonly dependsOn: readonly string[];
}

export interface Retries {
  /** Tries after the first. */
  readonly attempts: number;
  /** Share of active requests that may be retries, in percent. */
  readonly budgetPercent: number;
}

export interface ServiceVersion {
  readonly name: string;
  readonly protocol: Protocol;
  readonly source:
    | { readonly kind: "endpoints"; readonly endpoints: readonly Endpoint[] }
    | { readonly kind: "dns"; readonly host: string; readonly port: number };
}

export interface Endpoint {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  readonly zone: string;
  /** Relative, at least 1. */
  readonly weight: number;
}

export interface HostPort {
  readonly address: string;
  readonly port: number;
}

export interface Gateway {
  readonly name: string;
  readonly nodes: NodeSelector;
  readonly listen: HostPort;
  readonly hosts: readonly VirtualHost[];
}

export interface VirtualHost {
  readonly domains: readonly string[];
  /** Tried in this order, the first match wins. */
  readonly routes: readonly Route[];
}

export type PathMatch =
  | { readonly kind: "prefix"; readonly value: string }
  | { readonly kind: "exact"; readonly value: string }
  | { readonly kind: "regex"; readonly value: string };

/** A header or query parameter: present, equal to a text, or matching a regular expression. */
export interface ValueMatch {
  readonly name: string;
  readonly match:
    | { readonly kind: "exact"; readonly value: string }
    | { readonly kind: "regex"; readonly value: string }
    | { readonly kind: "present"; readonly value: boolean };
}

export interface Route {
  readonly path: PathMatch;
  readonly methods: readonly string[];
  readonly headers: readonly ValueMatch[];
  readonly query: readonly ValueMatch[];
  /** Name of a service. */
  readonly to: string;
  /** Overrides the service's. */
  readonly timeoutMs?: number;
  readonly mirror?: { readonly to: string; readonly version: string; readonly basisPoints: number };
}

export interface Sidecar {
  readonly service: string;
  readonly nodes: NodeSelector;
  readonly inbound?: HostPort;
  readonly app?: HostPort;
  readonly outbound?: HostPort;
}

export interface RawResource {
  readonly nodes: NodeSelector;
  /** Envoy's own JSON, `@type` included, as it was written. */
  readonly resource: Readonly<Record<string, unknown>>;
}

/** Service → version → basis points (total 10,000 for each service): the overlay that rollouts move. */
export type Weights = Readonly<Record<string, Readonly<Record<string, number>>>>;
