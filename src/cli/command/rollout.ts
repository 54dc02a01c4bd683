import type { Page, RolloutObject } from "../../http/contract.ts";
import { CommandFailure, EXIT } from "../failure.ts";
import { follow } from "../follow.ts";
import { outcomeText, rolloutsTable, rolloutText } from "../rollout-text.ts";
import type { Session } from "../session.ts";

/** `belay rollout list` */
export async function listRollouts(session: Session): Promise<number> {
  const items = await session.client().all<RolloutObject>("/v1/rollouts");
  session.result({ items }, rolloutsTable(items));
  return EXIT.done;
}

/** `belay rollout get [ID]` */
export async function getRollout(session: Session, _options: object, args: readonly string[]): Promise<number> {
  const rollout = await rolloutOf(session, args[0]);
  session.result(rollout, rolloutText(session, rollout));
  return EXIT.done;
}

/** `belay rollout watch [ID]`: exits by its outcome. */
export async function watchRollout(session: Session, _options: object, args: readonly string[]): Promise<number> {
  const { rollout, exit } = await follow(session, await rolloutOf(session, args[0]));
  session.result(rollout, outcomeText(session, rollout));
  return exit;
}

async function rolloutOf(session: Session, id: string | undefined): Promise<RolloutObject> {
  if (id !== undefined) return session.client().get(`/v1/rollouts/${encodeURIComponent(id)}`);
  const [newest] = (await session.client().get<Page<RolloutObject>>("/v1/rollouts?limit=1")).items;
  if (newest !== undefined) return newest;
  throw new CommandFailure(EXIT.usage, "nothing has been rolled out yet");
}
