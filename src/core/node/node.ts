/** Who an Envoy (or gRPC client) says it is, from the first request of a stream that carries `node`. */
export interface NodeIdentity {
  /** `node.id`, unique in the fleet. */
  readonly id: string;
  /** `node.cluster`. */
  readonly cluster: string;
  /** The strings among `node.metadata`'s top-level values. */
  readonly labels: Readonly<Record<string, string>>;
  /** `node.locality.zone`, or the empty string. */
  readonly zone: string;
  /** `1.40.0` from `user_agent_build_version`, or the empty string where the client does not say. */
  readonly envoyVersion: string;
  /** What it is built with; undefined where the client does not say. Equal lists are one value. */
  readonly extensions?: NodeExtensions;
}

/** The extensions that an Envoy is built with: names by category, such as `envoy.filters.http`. */
export type NodeExtensions = Readonly<Record<string, readonly string[]>>;

/** Does the node say the same of itself? What it is built with does not change while it runs, and decides nothing. */
export function isSameNode(a: NodeIdentity, b: NodeIdentity): boolean {
  if (a === b) return true;
  if (a.id !== b.id || a.cluster !== b.cluster || a.zone !== b.zone || a.envoyVersion !== b.envoyVersion) return false;
  const labels = Object.keys(a.labels);
  if (labels.length !== Object.keys(b.labels).length) return false;
  return labels.every((label) => Object.hasOwn(b.labels, label) && a.labels[label] === b.labels[label]);
}

/** Which nodes something is for. Fields that are given must all match; a list means any of its values. */
export type NodeSelector =
  | "all"
  | {
      readonly cluster?: readonly string[];
      readonly id?: readonly string[];
      readonly labels?: Readonly<Record<string, readonly string[]>>;
    };

/** Does the selector choose this node? */
export function selects(selector: NodeSelector, node: NodeIdentity): boolean {
  if (selector === "all") return true;
  if (selector.cluster !== undefined && !selector.cluster.includes(node.cluster)) return false;
  if (selector.id !== undefined && !selector.id.includes(node.id)) return false;
  for (const [label, values] of Object.entries(selector.labels ?? {})) {
    const value = Object.hasOwn(node.labels, label) ? node.labels[label] : undefined;
    if (value === undefined || !values.includes(value)) return false;
  }
  return true;
}
