import type { Command } from "commander";
import type { Act } from "../act.ts";
import type { FleetFlags } from "../command/fleet.ts";
import type { JournalFlags, SearchFlags } from "../command/journal.ts";
import type { NodeConfigFlags } from "../command/node.ts";
import type { WaitFlags } from "../command/wait.ts";
import { registerAbort } from "./changes.ts";

/** Commands that only look. */
export function registerReading(program: Command, act: Act): void {
  registerRollout(program, act);
  registerRevision(program, act);
  registerFleet(program, act);
  registerJournal(program, act);
  program
    .command("wait")
    .description("wait until a rollout has ended")
    .argument("<id>")
    .option("--for <what>", "done", "done")
    .option("--timeout <duration>", "give up after this long, with exit code 3")
    .action(
      act<WaitFlags>(async (session, flags, args) => (await import("../command/wait.ts")).wait(session, flags, args)),
    );
  program
    .command("doctor")
    .description("is this control plane sound?")
    .action(act(async (session) => (await import("../command/doctor.ts")).doctor(session)));
}

function registerRollout(program: Command, act: Act): void {
  const rollout = program.command("rollout").description("what moves, and what has moved");
  rollout
    .command("list")
    .description("all rollouts, the newest first")
    .action(act(async (session) => (await import("../command/rollout.ts")).listRollouts(session)));
  rollout
    .command("get")
    .description("one rollout")
    .argument("[id]", "without it: the newest")
    .action(
      act(async (session, flags, args) => (await import("../command/rollout.ts")).getRollout(session, flags, args)),
    );
  rollout
    .command("watch")
    .description("follow a rollout to its end, and exit by its outcome")
    .argument("[id]", "without it: the newest")
    .action(
      act(async (session, flags, args) => (await import("../command/rollout.ts")).watchRollout(session, flags, args)),
    );
  registerAbort(rollout, act);
}

function registerRevision(program: Command, act: Act): void {
  const revision = program.command("revision").description("what was published");
  revision
    .command("list")
    .description("all revisions, the newest first")
    .action(act(async (session) => (await import("../command/revision.ts")).listRevisions(session)));
  revision
    .command("get")
    .description("one revision")
    .argument("<n>")
    .action(
      act(async (session, flags, args) => (await import("../command/revision.ts")).getRevision(session, flags, args)),
    );
  revision
    .command("diff")
    .description("what changed from one revision to another")
    .argument("<a>")
    .argument("[b]", "without it: the live one")
    .action(
      act(async (session, flags, args) => (await import("../command/revision.ts")).diffRevisions(session, flags, args)),
    );
  revision
    .command("export")
    .description("the mesh file of a revision, as it was written")
    .argument("<n>")
    .action(
      act(async (session, flags, args) =>
        (await import("../command/revision.ts")).exportRevision(session, flags, args),
      ),
    );
}

function registerFleet(program: Command, act: Act): void {
  program
    .command("fleet")
    .description("who runs what")
    .option("--not-on <revision>", "only Envoys that have not acknowledged this revision")
    .option("--refused", "only Envoys that refused what they were sent")
    .action(act<FleetFlags>(async (session, flags) => (await import("../command/fleet.ts")).fleet(session, flags)));
  const node = program.command("node").description("one Envoy");
  node
    .command("get")
    .description("what it should have, has acknowledged, has refused")
    .argument("<id>")
    .action(act(async (session, flags, args) => (await import("../command/node.ts")).getNode(session, flags, args)));
  node
    .command("config")
    .description("its configuration, decoded and without secrets")
    .argument("<id>")
    .option("--type <type>", "only this type: clusters, endpoints, listeners, routes …")
    .action(
      act<NodeConfigFlags>(async (session, flags, args) =>
        (await import("../command/node.ts")).nodeConfig(session, flags, args),
      ),
    );
}

function registerJournal(program: Command, act: Act): void {
  const journal = program.command("journal").description("who did what, when and why");
  journal
    .command("tail")
    .description("the last events, the oldest first")
    .option("-n, --lines <n>", "how many", "20")
    .option("-f, --follow", "go on with what happens from now on")
    .action(
      act<JournalFlags>(async (session, flags) => (await import("../command/journal.ts")).tailJournal(session, flags)),
    );
  journal
    .command("search")
    .description("events that contain all these words")
    .argument("<words...>")
    .option("--by <who>", "only what this person asked for")
    .action(
      act<SearchFlags>(async (session, flags, args) =>
        (await import("../command/journal.ts")).searchJournal(session, flags, args),
      ),
    );
}
