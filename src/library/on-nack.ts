import { LONGEST_TIMER_MS } from "../control/clock.ts";
import type { NackPolicy, NackPolicyOf, RetryTimes } from "../core/xds/nack-policy.ts";

/**
 * What is done about content that a client refuses. `"park"`: nothing, until there is other content. `"rollback"`: what the
 * refused response changed is sent again as the client last acknowledged it, what it added is removed. `"quarantine"`: that
 * is done to the resources that the client's words name, and all others are sent. `retry`: the same content is sent again,
 * `afterMs` (1 s) after the first refusal, twice as long after each further one, at most `atMostMs` (1 min), `attempts` (5)
 * times.
 */
export type OnNack = "park" | "rollback" | "quarantine" | { readonly retry: Partial<RetryTimes> };

const WORDS: readonly unknown[] = ["park", "rollback", "quarantine"];

/**
 * The policy for each type.
 *
 * @param warn told once, in a sentence, where a function does not say what to do: its content is parked
 * @throws RangeError for what is no policy
 */
export function policyOf(
  onNack: OnNack | ((typeUrl: string) => OnNack),
  warn: (message: string) => void,
): NackPolicyOf {
  if (typeof onNack !== "function") {
    const policy = complete(onNack);
    return () => policy;
  }
  let isWarned = false;
  return (typeUrl) => {
    try {
      return complete(onNack(typeUrl));
    } catch (error) {
      if (!isWarned) warn(`onNack does not say what to do about ${typeUrl}, which is parked: ${String(error)}`);
      isWarned = true;
      return "park";
    }
  };
}

function complete(said: OnNack): NackPolicy {
  if (typeof said === "string" && WORDS.includes(said)) return said;
  if (typeof said !== "object" || said === null || typeof said.retry !== "object" || said.retry === null) {
    const given = JSON.stringify(said);
    throw new RangeError(`onNack must be "park", "rollback", "quarantine", { retry: {…} } or a function: ${given}`);
  }
  const { afterMs = 1_000, atMostMs = 60_000, attempts = 5 } = said.retry;
  for (const [name, value] of Object.entries({ afterMs, atMostMs, attempts })) {
    if (!(value >= 1 && value <= LONGEST_TIMER_MS))
      throw new RangeError(`onNack.retry.${name} must be between 1 and ${LONGEST_TIMER_MS}, not ${value}`);
  }
  return { retry: { afterMs, atMostMs, attempts } };
}
