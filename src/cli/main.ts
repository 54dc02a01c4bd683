import { hostname, userInfo } from "node:os";
import { terminalIo } from "./io.ts";
import { runCli } from "./run.ts";

/** `USER@HOST`; a container may have neither, and that must stop nobody. */
function whoRunsIt(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return `uid-${process.getuid?.() ?? "unknown"}@${hostname()}`;
  }
}

/** Runs the command line of this process; the process ends by itself once its output is written. */
export async function main(): Promise<void> {
  process.exitCode = await runCli(process.argv.slice(2), terminalIo(whoRunsIt()));
}
