import type { LocatedProblem, MeshReader, ReadMesh } from "../control/mesh-reader.ts";
import { SerialQueue } from "../control/serial-queue.ts";
import { ControlError } from "../core/failure/control-error.ts";
import type { Problem } from "../core/failure/problem.ts";
import { isLarge } from "./large.ts";
import { locateProblems, meshJsonSchema, type Reading, readMesh } from "./read-mesh.ts";
import { type Allowance, type Outcome, readAside, type Task } from "./reading-aside.ts";

/** A mesh of 16 MiB that makes sense takes a part of this; on a machine that is busy, all of it. */
const ALLOWANCE: Allowance = { timeMs: 15_000, memoryMib: 1_024 };

/** Large texts that wait while one is read; more are not taken in, since each holds its memory. */
const WAITING_LIMIT = 8;

/**
 * Reads meshes from text (YAML, JSON) and from plain values. What is small is read at once, what is large in a thread
 * that is stopped when it takes too long, one at a time.
 */
export function createMeshReader(allowance: Allowance = ALLOWANCE): MeshReader {
  const queue = new SerialQueue();
  let waiting = 0;
  const aside = async (task: Task): Promise<Outcome> => {
    if (waiting > WAITING_LIMIT) {
      throw new ControlError("not-ready", "many large meshes are being read already; ask again in a minute");
    }
    waiting += 1;
    try {
      return await queue.run(() => readAside(task, allowance));
    } finally {
      waiting -= 1;
    }
  };
  const read = async (reading: Reading, name?: string): Promise<ReadMesh> => {
    if (!isLarge(reading.kind === "text" ? reading.text : reading.value)) return readMesh(reading);
    const outcome = await aside(reading);
    return "answer" in outcome
      ? (outcome.answer as ReadMesh)
      : { problems: [stopped(outcome.stopped, allowance, name)] };
  };
  return {
    readText: (text, name) => read({ kind: "text", text, name }, name),
    readValue: (value) => read({ kind: "value", value }),
    async locate(problems, text, name) {
      if (text === undefined || !isLarge(text)) return locateProblems(problems, text, name);
      const named = name === undefined ? {} : { name };
      const outcome = await aside({ kind: "locate", problems, text, ...named });
      return "answer" in outcome ? (outcome.answer as LocatedProblem[]) : withoutPlaces(problems, name);
    },
    jsonSchema: meshJsonSchema,
  };
}

function withoutPlaces(problems: readonly Problem[], name: string | undefined): readonly LocatedProblem[] {
  return locateProblems(problems, undefined, name);
}

function stopped(why: "time" | "memory", { timeMs, memoryMib }: Allowance, file: string | undefined): LocatedProblem {
  const place = file === undefined ? {} : { file, line: 1, column: 1 };
  const hint = "nothing was read of it; make it smaller or plainer";
  if (why === "time") {
    const message = `to read this takes longer than ${timeMs / 1_000} s`;
    return { path: "(document)", ...place, message, hint, code: "too-slow" };
  }
  const message = `to read this takes more than ${memoryMib} MiB of memory`;
  return { path: "(document)", ...place, message, hint, code: "too-costly" };
}
