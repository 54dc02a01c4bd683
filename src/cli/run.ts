import { CommanderError } from "commander";
import { CommandFailure, EXIT } from "./failure.ts";
import type { Io } from "./io.ts";
import { printable } from "./printable.ts";
import { createProgram } from "./program.ts";

/**
 * Runs one command line, without `node` and the script.
 *
 * @returns the exit code, as the table in `docs/errors.md` has it; it never rejects
 */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const said: string[] = [];
  const outcome = { exit: EXIT.done as number };
  const program = createProgram(io, { said, ended: (exit) => (outcome.exit = exit) });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return outcome.exit;
  } catch (error) {
    return ended(error, { io, wantsJson: wantsJson(argv), said });
  }
}

interface Ending {
  readonly io: Io;
  readonly wantsJson: boolean;
  readonly said: readonly string[];
}

function ended(error: unknown, { io, wantsJson: json, said }: Ending): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.done;
    io.stderr.write(said.join(""));
    const message = error.message.replace(/^error: /, "");
    if (json) write(io, { error: { code: "usage", message } });
    return EXIT.usage;
  }
  if (error instanceof CommandFailure) {
    for (const line of error.lines) io.stderr.write(`${printable(line)}\n`);
    if (json) write(io, error.document);
    return error.exit;
  }
  const message = error instanceof Error ? error.message : String(error);
  io.stderr.write(`This is a defect of Belay: ${printable(message)}\n`);
  if (io.env["BELAY_DEBUG"] !== undefined && error instanceof Error) io.stderr.write(`${error.stack ?? ""}\n`);
  else io.stderr.write("Run it again with BELAY_DEBUG=1 to see where.\n");
  if (json) write(io, { error: { code: "internal", message } });
  return EXIT.failed;
}

function write(io: Io, document: unknown): void {
  io.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
}

/** Read from the words themselves: the command line that failed may be the one that says so. */
function wantsJson(argv: readonly string[]): boolean {
  return argv.some((word, index) => {
    if (word === "-ojson" || word === "--output=json") return true;
    return (word === "-o" || word === "--output") && argv[index + 1] === "json";
  });
}
