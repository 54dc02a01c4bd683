/**
 * What a node has counted of one cluster between two of its reports. Envoy counts attempts, not requests: a retry counts
 * again. Whatever is not 5xx is a success, so 4xx are.
 */
export interface ClusterReport {
  readonly cluster: string;
  readonly success: number;
  readonly error: number;
  /** Attempts that were begun, whether or not they have ended. */
  readonly issued: number;
  /** Requests that were not sent: a circuit breaker was open, or a share of them is dropped on purpose. */
  readonly dropped: number;
  /** Under way when the report was made: a level, not a count. */
  readonly inProgress: number;
  /** How long was counted, in milliseconds. */
  readonly intervalMs: number;
}

/** What was counted of a cluster by several nodes, or in several reports. */
export interface ClusterLoad {
  readonly success: number;
  readonly error: number;
  readonly dropped: number;
  /** As the newest report of each node has it. */
  readonly inProgress: number;
  /** Milliseconds since the epoch: when the first of what is counted here began. */
  readonly since: number;
}

/** Two reports of one cluster in one message, as one: a gRPC client tells of each endpoint service on its own. */
export function joinReports(a: ClusterReport, b: ClusterReport): ClusterReport {
  return {
    cluster: a.cluster,
    success: a.success + b.success,
    error: a.error + b.error,
    issued: a.issued + b.issued,
    dropped: a.dropped + b.dropped,
    inProgress: a.inProgress + b.inProgress,
    intervalMs: Math.max(a.intervalMs, b.intervalMs),
  };
}
