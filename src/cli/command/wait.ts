import { parseDuration } from "../../core/mesh/duration.ts";
import type { RolloutObject } from "../../http/contract.ts";
import { usage } from "../failure.ts";
import { follow } from "../follow.ts";
import { outcomeText } from "../rollout-text.ts";
import type { Session } from "../session.ts";

export interface WaitFlags {
  readonly for: string;
  readonly timeout?: string;
}

/** `belay wait ID --for done`: exits by the outcome, or with 3 once it has waited long enough. */
export async function wait(
  session: Session,
  { for: what, timeout }: WaitFlags,
  args: readonly string[],
): Promise<number> {
  if (what === "known-good") throw usage("--for known-good comes once revisions earn it; what there is: done");
  if (what !== "done") throw usage(`--for ${what}: what can be waited for is done`);
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout);
  if (timeout !== undefined && timeoutMs === undefined)
    throw usage(`--timeout ${timeout}: write a duration, for example 30s or 5m`);
  const first = await session.client().get<RolloutObject>(`/v1/rollouts/${encodeURIComponent(args[0] ?? "")}`);
  const { rollout, exit } = await follow(session, first, timeoutMs === undefined ? {} : { timeoutMs });
  session.result(rollout, outcomeText(session, rollout));
  return exit;
}
