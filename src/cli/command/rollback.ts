import type { PlanObject, RolloutObject } from "../../http/contract.ts";
import { usage } from "../failure.ts";
import { checkFlags, type MutationFlags, mutate } from "../mutation.ts";
import type { Session } from "../session.ts";
import { started } from "../started.ts";

export interface RollbackFlags extends MutationFlags {
  readonly to?: string;
  readonly lastKnownGood?: boolean;
  readonly now?: boolean;
  readonly keepWeights?: boolean;
  /** False with `--no-freeze`. */
  readonly freeze: boolean;
  readonly scope?: string;
}

/** `belay rollback`: serve an earlier state again, byte for byte. */
export async function rollback(session: Session, flags: RollbackFlags): Promise<number> {
  const to = targetOf(flags);
  if (flags.scope !== undefined) throw usage("--scope comes in a later version; a rollback covers the whole fleet");
  checkFlags(flags, session);
  const body = {
    ...(to === undefined ? {} : { to }),
    ...(flags.now === true ? { now: true } : {}),
    ...(flags.keepWeights === true ? { keepWeights: true } : {}),
    ...(flags.freeze ? {} : { freeze: false }),
  };
  return mutate(session, {
    flags,
    plan: (asked) => session.client().post<PlanObject>("/v1/rollbacks", { ...body, ...asked }),
    start: async (asked) => started(await session.client().post<RolloutObject>("/v1/rollbacks", { ...body, ...asked })),
  });
}

function targetOf({ to, lastKnownGood }: RollbackFlags): number | "last-known-good" | undefined {
  if (to !== undefined && lastKnownGood === true) throw usage("give --to or --last-known-good, not both");
  if (lastKnownGood === true || to === "last-known-good") return "last-known-good";
  if (to === undefined) return undefined;
  if (!/^[1-9]\d{0,14}$/.test(to)) throw usage(`--to ${to}: a revision is a number; belay revision list shows them`);
  return Number(to);
}
