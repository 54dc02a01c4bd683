// @ts-check
import { spawn } from "node:child_process";
import { constants } from "node:os";

/**
 * The child that is running now, so that a signal to us reaches it and we outlive it.
 *
 * @type {import("node:child_process").ChildProcess | undefined}
 */
let current;

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ stdio?: import("node:child_process").StdioOptions, env?: NodeJS.ProcessEnv, cwd?: string, timeoutMs?: number }} [options]
 *   without `stdio`, standard input is closed and the output is collected
 * @returns {Promise<{ code: number, output: string }>} the exit code as a shell would say it; 127 where it could not be started
 */
export function run(command, args, options = {}) {
  const { timeoutMs, ...rest } = options;
  return new Promise((resolve) => {
    /** @type {Buffer[]} */
    const chunks = [];
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...rest });
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => child.kill("SIGTERM"), timeoutMs);
    current = child;
    /** @type {(code: number, text?: string) => void} */
    const end = (code, text) => {
      clearTimeout(timer);
      if (current === child) current = undefined;
      resolve({ code, output: text ?? Buffer.concat(chunks).toString("utf8") });
    };
    child.stdout?.on("data", (chunk) => chunks.push(chunk));
    child.stderr?.on("data", (chunk) => chunks.push(chunk));
    child.on("error", (error) => end(127, error.message));
    child.on("close", (code, signal) => end(code ?? exitCodeOf(signal)));
  });
}

/**
 * What a shell reports for a program that a signal ended.
 *
 * @param {NodeJS.Signals | null} signal
 */
function exitCodeOf(signal) {
  return 128 + (signal === null ? 0 : constants.signals[signal]);
}

/** @type {readonly NodeJS.Signals[]} */
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"];

/** How long a child has for an orderly end before it is told again. */
const ORDERLY_MS = 5_000;

/** How often to look whether the parent is still there. */
const PARENT_MS = 500;

/**
 * From here on a signal ends the running child first, and then us, with the code that `run` resolved to or, where
 * no child runs, the signal's own.
 *
 * A terminal sends Ctrl-C to the whole process group, so the child has it already: sending it twice would read as
 * "stop being orderly". Only where no terminal is there, or the child does not react, is the signal passed on.
 */
export function forwardSignals() {
  for (const signal of FORWARDED) process.on(signal, () => end(signal));
  if (process.env.npm_lifecycle_event !== undefined) endWithParent();
}

/** @param {NodeJS.Signals} signal */
function end(signal) {
  if (current === undefined) process.exit(exitCodeOf(signal));
  if (interrupted !== undefined) return;
  interrupted = exitCodeOf(signal);
  const byTerminal = signal === "SIGINT" && process.stdin.isTTY === true;
  if (!byTerminal) current.kill(signal);
  setTimeout(() => current?.kill("SIGTERM"), ORDERLY_MS).unref();
}

/** An npm that was killed tells nobody: then what it started has to notice. */
function endWithParent() {
  const parent = process.ppid;
  const look = setInterval(() => {
    if (process.ppid !== parent) end("SIGTERM");
  }, PARENT_MS);
  look.unref();
}

/**
 * The exit code of an interruption, once there was one.
 *
 * @type {number | undefined}
 */
let interrupted;

/** Ends this process where a signal came while a child ran: what would come next must not start. */
export function stopIfInterrupted() {
  if (interrupted !== undefined) process.exit(interrupted);
}
