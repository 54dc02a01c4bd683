/**
 * What is done about content that a client refuses. `park`: nothing, until there is other content. `rollback`: what the refused
 * response changed is set back to what the client last acknowledged. `quarantine`: that is done to the resources that the
 * client's words name, and all others are sent. `retry`: the same content is sent again after a while.
 */
export type NackPolicy = "park" | "rollback" | "quarantine" | { readonly retry: RetryTimes };

/** When refused content is sent again, in milliseconds. */
export interface RetryTimes {
  /** After the first refusal; twice as long after each further one. */
  readonly afterMs: number;
  /** Never longer than this. */
  readonly atMostMs: number;
  /** So many times at most, until there is other content. */
  readonly attempts: number;
}

/** The policy for a type, by its URL. */
export type NackPolicyOf = (typeUrl: string) => NackPolicy;

/**
 * How long to wait before a refused response is sent again, in milliseconds; undefined: not at all.
 *
 * @param attempt 1 after the first refusal
 */
export function retryDelay(attempt: number, { afterMs, atMostMs, attempts }: RetryTimes): number | undefined {
  return attempt > attempts ? undefined : Math.min(atMostMs, afterMs * 2 ** (attempt - 1));
}
