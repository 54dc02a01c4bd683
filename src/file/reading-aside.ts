import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Problem } from "../core/failure/problem.ts";
import type { Reading } from "./read-mesh.ts";

/** What a thread is started for. */
export type Task =
  | Reading
  | { readonly kind: "locate"; readonly problems: readonly Problem[]; readonly text: string; readonly name?: string };

/** What a thread may use up before it is stopped. */
export interface Allowance {
  /** Milliseconds. */
  readonly timeMs: number;
  readonly memoryMib: number;
}

/** What became of it: what the thread answered, or why it was stopped. */
export type Outcome = { readonly answer: unknown } | { readonly stopped: "time" | "memory" };

// The same file from src/file/ and from dist/file/: a thread runs JavaScript only.
const THREAD = fileURLToPath(new URL("../../dist/file/reading-thread.js", import.meta.url));

/**
 * Reads in a thread of its own: there is text that takes minutes or gigabytes, and nobody else may pay for it.
 *
 * @throws Error where the thread itself is broken
 */
export async function readAside(task: Task, { timeMs, memoryMib }: Allowance): Promise<Outcome> {
  const thread = new Worker(THREAD, {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: memoryMib },
    execArgv: [],
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      timer = setTimeout(() => resolve({ stopped: "time" }), timeMs);
      thread.once("message", (answer: unknown) => resolve({ answer }));
      thread.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ERR_WORKER_OUT_OF_MEMORY") resolve({ stopped: "memory" });
        else reject(error);
      });
      thread.once("exit", () => reject(new Error("the thread that reads meshes ended without an answer")));
    });
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}
