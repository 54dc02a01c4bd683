import type { RolloutObject } from "../http/contract.ts";
import type { Accepted } from "./mutation.ts";

/** What the API answers where there was nothing to do. */
interface NothingToDo {
  readonly rollout: null;
  readonly summary: readonly string[];
}

/** The answer of what starts a rollout: the rollout, or the sentences that say why there is none. */
export function started(answer: RolloutObject | NothingToDo): Accepted {
  if (!("id" in answer)) return { document: () => answer, rollout: null, summary: answer.summary };
  return { document: (rollout) => rollout ?? answer, rollout: answer, summary: [] };
}
