import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { leash } from "./leash.ts";

export interface ChildOptions {
  /** For messages: `Envoy`, `the control plane`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Takes what it prints; begun anew. */
  readonly logFile: string;
}

/** A program that runs beside us and never outlives us. */
export interface Child {
  readonly pid: number;
  readonly logFile: string;
  /** How it ended: `exit code 1`, `signal SIGKILL`. Resolves, never rejects. */
  readonly exited: Promise<string>;
  /** Asks until there is an answer. Rejects with the end of its log when it ends before, or takes longer than that. */
  until<T>(what: string, timeoutMs: number, ask: () => Promise<T | undefined>): Promise<T>;
  /** Ends it in good order, and after three seconds in any order. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

const POLL_MS = 20;
const ORDERLY_MS = 3_000;

/** Starts a program; that it could not be started is told by `exited` and `until`. */
export function startChild(options: ChildOptions): Child {
  const { name, logFile } = options;
  const child = launch(options);
  const exited = exitOf(child);
  let ended: string | undefined;
  void exited.then((how) => {
    ended = how;
  });
  const signal = async (first: NodeJS.Signals): Promise<void> => {
    if (ended !== undefined) return;
    child.kill(first);
    const force = setTimeout(() => child.kill("SIGKILL"), ORDERLY_MS);
    await exited;
    clearTimeout(force);
  };
  return {
    pid: child.pid ?? 0,
    logFile,
    exited,
    stop: () => signal("SIGTERM"),
    kill: () => signal("SIGKILL"),
    until: async (what, timeoutMs, ask) => {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const answer = await ask();
        if (answer !== undefined) return answer;
        if (ended !== undefined) throw new Error(`${name} ended (${ended}) before ${what}.${await endOf(logFile)}`);
        if (performance.now() > deadline)
          throw new Error(`${name} took too long, before ${what}.${await endOf(logFile)}`);
        await pause(POLL_MS);
      }
    },
  };
}

function launch({ command, args, cwd, logFile }: ChildOptions): ChildProcess {
  const log = openSync(logFile, "w");
  // A session of its own: a Ctrl-C in the terminal is for us, and we end our children in our own order.
  const stdio = ["ignore", log, log] as const;
  const child = spawn(command, args, { stdio: [...stdio], detached: true, cwd });
  closeSync(log);
  leash(child);
  return child;
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`cannot be run: ${error.message}`));
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
}

async function endOf(logFile: string): Promise<string> {
  const text = await readFile(logFile, "utf8").catch(() => "");
  const lines = text.trimEnd().split("\n").slice(-8).join("\n  ");
  return lines === "" ? ` It printed nothing (${logFile})` : ` The last that it printed:\n  ${lines}`;
}
