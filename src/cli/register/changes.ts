import { type Command, Option } from "commander";
import type { Act } from "../act.ts";
import type { AbortFlags } from "../command/abort.ts";
import type { ApplyFlags } from "../command/apply.ts";
import type { PlanFlags } from "../command/plan.ts";
import type { RollbackFlags } from "../command/rollback.ts";
import type { ShiftFlags } from "../command/shift.ts";

const FILE = "the mesh file; - is standard input";

/** What every mutation takes. */
export function mutating(command: Command): Command {
  return command
    .option("--reason <text>", "why, for the journal (required)")
    .option("--yes", "do not ask; needed where standard input is not a terminal")
    .option("--dry-run", "say what would happen, and change nothing")
    .option("--no-wait", "return once it is accepted, without following it");
}

/** Commands that change what Envoys have, and the one that only says how. */
export function registerChanges(program: Command, act: Act): void {
  program
    .command("plan")
    .description("what applying a mesh file would change, and for whom; changes nothing")
    .requiredOption("-f, --file <file>", FILE)
    .action(act<PlanFlags>(async (session, flags) => (await import("../command/plan.ts")).plan(session, flags)));
  mutating(program.command("apply"))
    .description("publish a mesh file as a revision and roll it out")
    .requiredOption("-f, --file <file>", FILE)
    .option("--stages <name>", "all: one host first, then all")
    .action(act<ApplyFlags>(async (session, flags) => (await import("../command/apply.ts")).apply(session, flags)));
  mutating(program.command("shift"))
    .description("move traffic between the versions of a service: belay shift reviews v2=5%")
    .argument("<service>")
    .argument("[weights...]", "VERSION=SHARE; versions not named share the rest")
    .addOption(new Option("--from <version>").hideHelp())
    .addOption(new Option("--to <version>").hideHelp())
    .addOption(new Option("--steps <list>").hideHelp())
    .action(
      act<ShiftFlags>(async (session, flags, args) =>
        (await import("../command/shift.ts")).shift(session, flags, args),
      ),
    );
  mutating(program.command("rollback"))
    .description("go back to the last good state, byte for byte")
    .option("--to <revision>", "to the last state of this revision")
    .option("--last-known-good", "to the newest known-good state other than the one in force (the default)")
    .option("--now", "all hosts at once, without the first one")
    .option("--keep-weights", "leave today's weights")
    .option("--no-freeze", "open no freeze; none is opened yet")
    .addOption(new Option("--scope <scope>").hideHelp())
    .action(
      act<RollbackFlags>(async (session, flags) => (await import("../command/rollback.ts")).rollback(session, flags)),
    );
}

/** The one verb that changes a rollout under way. */
export function registerAbort(rollout: Command, act: Act): void {
  mutating(rollout.command("abort"))
    .description("everything back to before the rollout")
    .argument("[id]", "without it: the one that is moving")
    .action(
      act<AbortFlags>(async (session, flags, args) =>
        (await import("../command/abort.ts")).abort(session, flags, args),
      ),
    );
}
