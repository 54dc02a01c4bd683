// @ts-check
import { forwardSignals, run, stopIfInterrupted } from "./child.mjs";

/** The root of the checkout. */
export const ROOT = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

/** A step that failed: what is said to the person, then the output of what was run. */
export class StepFailed extends Error {
  /**
   * @param {string} message
   * @param {string} [output]
   */
  constructor(message, output = "") {
    super(message);
    this.output = output;
  }
}

/**
 * Says in one line what is being done while it is done, and how long it took.
 *
 * @template T
 * @param {string} what e.g. `Building`
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(what, work) {
  const started = performance.now();
  process.stderr.write(`${what} … `);
  try {
    const result = await work();
    process.stderr.write(`${((performance.now() - started) / 1000).toFixed(1)} s\n`);
    return result;
  } catch (error) {
    process.stderr.write("failed\n");
    throw error;
  }
}

/**
 * Runs a program of a step; its output is shown only where it fails.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export async function must(command, args, options = {}) {
  const { code, output } = await run(command, args, { cwd: ROOT, ...options });
  stopIfInterrupted();
  if (code !== 0) throw new StepFailed(`${[command, ...args].join(" ")} ended with ${code}.`, output);
  return output;
}

/**
 * Runs a script's work: a failed step ends it with one sentence and exit code 1, never with a stack trace.
 *
 * @param {() => Promise<number | void>} work resolves to the exit code, 0 where it says nothing
 */
export async function main(work) {
  forwardSignals();
  try {
    process.exitCode = (await work()) ?? 0;
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    if (error.output.trim() !== "") process.stderr.write(`${error.output.trimEnd()}\n`);
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
