import type { Problem } from "./problem.ts";

/**
 * The closed list of ways in which an operation can fail. The value is what a caller sees;
 * an edge maps it to an HTTP status and an exit code (`docs/errors.md`, held against this list by a test).
 */
export const CONTROL_ERROR_CODES = [
  "invalid", // what was asked for is not well formed; `problems` says where
  "not-found", // no such revision, rollout, node or service
  "conflict", // something else holds the scope; `holder` names it
  "nothing-to-do-back", // a rollback has nothing to go back to
  "stale", // If-Match named an older version of the object
  "not-ready", // the store cannot be read, or nothing is published yet
  "store-failed", // the store refused a write: nothing was changed
  "internal", // a defect of Belay
] as const;

export type ControlErrorCode = (typeof CONTROL_ERROR_CODES)[number];

/** An operation that failed. The message is for the reader at 3 a.m.: what happened, to what, what to do. */
export class ControlError extends Error {
  readonly code: ControlErrorCode;
  readonly problems: readonly Problem[];
  readonly holder: string | undefined;

  constructor(
    code: ControlErrorCode,
    message: string,
    details: { problems?: readonly Problem[]; holder?: string; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = "ControlError";
    this.code = code;
    this.problems = details.problems ?? [];
    this.holder = details.holder;
  }
}
