import type { Effect } from "../../control/control-plane.ts";
import { json } from "../answer.ts";
import type { Change, PlanObject } from "../contract.ts";
import { revisionObject } from "../object/revision.ts";
import { rolloutObject } from "../object/rollout.ts";
import { tagged, versioned } from "../versioned.ts";

/** What a dry run found. */
export function planObject(effect: Effect, changes: readonly Change[] = []): PlanObject {
  return versioned({
    summary: [...effect.summary],
    nodes: [...effect.nodes],
    revision: effect.revision === undefined ? null : revisionObject(effect.revision),
    rollout: effect.rollout === undefined ? null : rolloutObject(effect.rollout),
    changes: [...changes],
  });
}

/** The answer to what starts a rollout: 201 with it, or 200 where there was nothing to do or nothing was to be done. */
export function startedAnswer(effect: Effect, request: Request, isDryRun: boolean | undefined): Response {
  if (isDryRun === true) return json(200, planObject(effect));
  if (effect.rollout === undefined) return json(200, versioned({ summary: [...effect.summary], rollout: null }));
  const answer = tagged(201, rolloutObject(effect.rollout), request);
  answer.headers.set("location", `/v1/rollouts/${encodeURIComponent(effect.rollout.id)}`);
  return answer;
}
