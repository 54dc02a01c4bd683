import type { PlanObject, RolloutObject, StatusObject } from "../../http/contract.ts";
import { CommandFailure, EXIT } from "../failure.ts";
import { checkFlags, type MutationFlags, mutate } from "../mutation.ts";
import type { Session } from "../session.ts";
import { started } from "../started.ts";

export type AbortFlags = MutationFlags;

/** `belay rollout abort [ID]`: everything back to before it. */
export async function abort(session: Session, flags: AbortFlags, args: readonly string[]): Promise<number> {
  checkFlags(flags, session);
  const client = session.client();
  const id = args[0] ?? (await movingRollout(session));
  const path = `/v1/rollouts/${encodeURIComponent(id)}`;
  return mutate(session, {
    flags,
    wanted: "aborted",
    plan: (asked) => client.post<PlanObject>(`${path}/abort`, asked),
    async start(asked) {
      const { version } = await client.get<RolloutObject>(path);
      return started(await client.post<RolloutObject>(`${path}/abort`, asked, { "if-match": `"${version}"` }));
    },
  });
}

async function movingRollout(session: Session): Promise<string> {
  const { rollouts } = await session.client().get<StatusObject>("/v1/status");
  const [id] = rollouts;
  if (id !== undefined) return id;
  throw new CommandFailure(
    EXIT.conflict,
    "nothing is moving, so there is nothing to abort; to undo what is done: belay rollback",
  );
}
