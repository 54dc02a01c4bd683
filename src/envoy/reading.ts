import type { Registry } from "@bufbuild/protobuf";
import type { Problem } from "../core/failure/problem.ts";

/** Problems that are reported for one resource; whoever has more mends these first. */
const PROBLEM_LIMIT = 100;

/** Messages inside of messages. Envoy's own decoder refuses more. */
const DEPTH_LIMIT = 100;

/** What is wrong with one value; the reading adds where. */
export type Complaint = Omit<Problem, "path">;

/** The state of one walk over JSON: where it is, and what was found wrong so far. */
export class Reading {
  readonly registry: Registry;
  readonly envoyVersion: string;
  readonly problems: Problem[] = [];
  readonly #path: (string | number)[] = [];
  #depth = 0;

  constructor(registry: Registry, envoyVersion: string) {
    this.registry = registry;
    this.envoyVersion = envoyVersion;
  }

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

  /** Counts one more level of messages; false, with a problem, where that is too deep to go on. */
  descend(): boolean {
    if (this.#depth >= DEPTH_LIMIT) {
      this.complain({ message: `more than ${DEPTH_LIMIT} levels deep, which Envoy refuses`, code: "too-deep" });
      return false;
    }
    this.#depth++;
    return true;
  }

  ascend(): void {
    this.#depth--;
  }
}

/** `a list`, `a string`: what a value is, for people. */
export function kindOf(json: unknown): string {
  if (json === null || json === undefined) return "nothing";
  if (Array.isArray(json)) return "a list";
  if (typeof json === "object") return "an object";
  return typeof json === "boolean" ? "true or false" : `a ${typeof json}`;
}

/** Is it an object with keys, as JSON has them? */
export function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** An object that takes any key, `__proto__` too, as nothing but a key. */
export function emptyObject(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

export function wrongType(expected: string, json: unknown): Complaint {
  return { message: `expected ${expected}, not ${kindOf(json)}`, code: "wrong-type" };
}
