import type { ProblemCode } from "./problem-codes.ts";

/**
 * A mistake in what a person wrote. Problems are data: they are collected and reported together,
 * never thrown one by one, and the last good state goes on serving.
 */
export interface Problem {
  /** Where, as keys and indexes from the root of the document: `["services", 0, "traffic", "v2"]`. */
  readonly path: readonly (string | number)[];
  /** What is wrong, to what. One sentence without a full stop. */
  readonly message: string;
  /** What to do about it, where that can be said. */
  readonly hint?: string;
  /** Stable, kebab-case, from the catalogue in `docs/problems.md`, e.g. `unknown-key`. */
  readonly code: ProblemCode;
}

/** `services[0].traffic.v2`, for people; the empty path is `(document)`. */
export function formatPath(path: readonly (string | number)[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_@][\w@-]*$/.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text === "" ? "(document)" : text;
}
