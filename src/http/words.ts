import { splitText } from "../core/rollout/words.ts";
import type { RolloutObject } from "./contract.ts";

/* The same words on the status page and in the terminal. */

/** What a rollout carries, in a few words. */
export function subjectOf(rollout: RolloutObject): string {
  if (rollout.kind === "shift" && rollout.service !== undefined) {
    return `${rollout.service} to ${splitText(rollout.to.weights[rollout.service] ?? {})}`;
  }
  return rollout.kind === "rollback"
    ? `the way back to revision ${rollout.to.revision}`
    : `revision ${rollout.to.revision}`;
}
