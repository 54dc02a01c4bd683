import type { Problem } from "../core/failure/problem.ts";
import { kindOf } from "./json-kinds.ts";

/** Problems that are reported for one resource; whoever has more mends these first. */
const PROBLEM_LIMIT = 100;

/** What is wrong with one value; the place is known to whoever collects it. */
export type Complaint = Omit<Problem, "path">;

/** The complaint about a value of the wrong kind. */
export function wrongType(expected: string, json: unknown): Complaint {
  return { message: `expected ${expected}, not ${kindOf(json)}`, code: "wrong-type" };
}

/** What was found wrong in a walk over JSON so far, and where the walk is. */
export class Complaints {
  readonly problems: Problem[] = [];
  readonly #path: (string | number)[] = [];

  /** Nothing more is reported: the walk may end. */
  get full(): boolean {
    return this.problems.length >= PROBLEM_LIMIT;
  }

  /** Goes into a member, in the input's own spelling; each `enter` has its `leave`. */
  enter(part: string | number): void {
    this.#path.push(part);
  }

  leave(): void {
    this.#path.pop();
  }

  complain(complaint: Complaint): undefined {
    if (!this.full) this.problems.push({ path: [...this.#path], ...complaint });
    return undefined;
  }
}
