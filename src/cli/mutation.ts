import type { PlanObject, RolloutObject } from "../http/contract.ts";
import { EXIT, usage } from "./failure.ts";
import { follow } from "./follow.ts";
import { outcomeText } from "./rollout-text.ts";
import type { Session } from "./session.ts";

/** What every mutation takes, as the command line has it. */
export interface MutationFlags {
  readonly reason?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  /** False with `--no-wait`. */
  readonly wait: boolean;
}

/** Who, why, and whether it is only asked: goes into the body of the request. */
export interface AskedBody {
  readonly reason: string;
  readonly by: string;
  readonly dryRun?: true;
}

/** The answer to a mutation that was accepted. */
export interface Accepted {
  /** The API's object; `document(rollout)` is the same with the rollout as it stands in the end. */
  document(rollout: RolloutObject | null): unknown;
  /** Null where there was nothing to do. */
  readonly rollout: RolloutObject | null;
  readonly summary: readonly string[];
}

export interface Mutation {
  readonly flags: MutationFlags;
  /** Asks the server what would happen; nothing is written. */
  plan(asked: AskedBody): Promise<PlanObject>;
  /** The plan as text, where its summary does not say all. */
  planText?(plan: PlanObject): string;
  start(asked: AskedBody): Promise<Accepted>;
  /** The state that means that what was asked for was done. */
  readonly wanted?: RolloutObject["state"];
}

/**
 * Refuses what can be refused without asking the server.
 *
 * @param canAsk false where standard input carries something else
 * @throws CommandFailure (usage)
 */
export function checkFlags({ reason, yes, dryRun }: MutationFlags, { io }: Session, canAsk = true): void {
  if (dryRun !== true && (reason ?? "").trim() === "") {
    throw usage('say why: --reason "…". It goes into the journal, for whoever asks later.');
  }
  if (dryRun === true || yes === true) return;
  if (!canAsk) throw usage("standard input is the file, so nobody can be asked: add --yes to go ahead.");
  if (!io.stdin.isTTY) throw usage("standard input is not a terminal, so nobody can be asked: add --yes to go ahead.");
}

/** Says what would happen, asks, does it, and follows it to its end. Answers with the exit code. */
export async function mutate(session: Session, mutation: Mutation): Promise<number> {
  const { flags } = mutation;
  const asked = { reason: flags.reason ?? "dry run", by: session.io.user };
  const plan = await mutation.plan({ ...asked, dryRun: true });
  const effect = mutation.planText?.(plan) ?? `${plan.summary.join("\n")}\n`;
  if (flags.dryRun === true) {
    session.result(plan, effect);
    return EXIT.done;
  }
  // Where there is nothing to do, that is the result, and is said once.
  if (plan.rollout !== null) session.say(effect.trimEnd());
  if (plan.rollout !== null && flags.yes !== true && !(await agrees(session))) {
    throw usage("Nothing was changed.");
  }
  const accepted = await mutation.start(asked);
  if (accepted.rollout === null) {
    session.result(await accepted.document(null), `${accepted.summary.join("\n")}\n`);
    return EXIT.done;
  }
  return conclude(session, { mutation, accepted, rollout: accepted.rollout });
}

interface Started {
  readonly mutation: Mutation;
  readonly accepted: Accepted;
  readonly rollout: RolloutObject;
}

async function conclude(session: Session, { mutation, accepted, rollout }: Started): Promise<number> {
  if (!mutation.flags.wait) {
    session.result(
      await accepted.document(rollout),
      `${rollout.id} is under way. Follow it: belay rollout watch ${rollout.id}\n`,
    );
    return EXIT.done;
  }
  const { rollout: last, exit } = await follow(session, rollout);
  session.result(await accepted.document(last), outcomeText(session, last));
  return last.state === mutation.wanted ? EXIT.done : exit;
}

async function agrees({ io }: Session): Promise<boolean> {
  const answer = await io.stdin.ask("Go ahead? [y/N] ");
  return /^\s*y(es)?\s*$/i.test(answer);
}
