import { Command, Option } from "commander";
import { releaseVersion } from "../http/release.ts";
import type { Act } from "./act.ts";
import type { Io } from "./io.ts";
import { registerChanges } from "./register/changes.ts";
import { registerOffline } from "./register/offline.ts";
import { registerReading } from "./register/reading.ts";
import { registerRunning } from "./register/running.ts";
import { createSession, type GlobalOptions } from "./session.ts";

/** Where a run leaves what it has to say and how it ended. */
export interface Run {
  /** Complaints of the parser, held back until it is known what they are. */
  readonly said: string[];
  ended(exit: number): void;
}

/** All commands. What they do is loaded when they are called, so that `belay --help` costs nothing. */
export function createProgram(io: Io, run: Run): Command {
  const program = new Command("belay")
    .description("The Envoy xDS control plane for changes you can take back.")
    .version(releaseVersion())
    .option(
      "--server <url>",
      "the control plane: http://HOST:PORT or unix:PATH (default: BELAY_SERVER, else http://127.0.0.1:7070)",
    )
    .addOption(
      new Option("-o, --output <format>", "format of standard output").choices(["text", "json"]).default("text"),
    )
    .showHelpAfterError("Run it with --help to see what it takes.")
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => run.said.push(text) })
    .configureHelp({ sortSubcommands: false });
  const act: Act =
    (handler) =>
    async (...all) => {
      const command = all.at(-1) as Command;
      const options = command.optsWithGlobals<GlobalOptions & Parameters<typeof handler>[1]>();
      const session = createSession(io, options);
      try {
        run.ended(await handler(session, options, command.args));
      } finally {
        session.close();
      }
    };
  registerRunning(program, act);
  registerChanges(program, act);
  registerReading(program, act);
  registerOffline(program, act);
  return program;
}
