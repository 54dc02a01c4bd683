import { ControlError, type ControlErrorCode } from "../core/failure/control-error.ts";
import { formatPath, type Problem } from "../core/failure/problem.ts";
import type { ProblemObject } from "./contract.ts";

/** A request that is refused before the control plane sees it. Thrown by this edge only. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly problems: readonly ProblemObject[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    details: { problems?: readonly ProblemObject[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
    this.problems = details.problems ?? [];
    this.headers = details.headers ?? {};
  }
}

/** 422 with one problem a mistake; the sentence counts them. */
export function invalid(problems: readonly ProblemObject[]): Refusal {
  const first = problems[0];
  const message =
    problems.length === 1 && first !== undefined
      ? `${first.path}: ${first.message}`
      : `the request has ${problems.length} problems`;
  return new Refusal(422, "invalid", message, { problems });
}

const STATUS: Readonly<Record<ControlErrorCode, number>> = {
  invalid: 422,
  "not-found": 404,
  conflict: 409,
  "nothing-to-do-back": 409,
  stale: 412,
  "not-ready": 503,
  "store-failed": 503,
  internal: 500,
};

const COMMON = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** One JSON document. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { ...COMMON, "content-type": "application/json", ...headers },
  });
}

/** Plain text, for probes and scrapers. */
export function text(status: number, body: string, type = "text/plain; charset=utf-8"): Response {
  return new Response(body, { status, headers: { ...COMMON, "content-type": type } });
}

/**
 * The answer to a failed request. What is not one of our two classes of failure is a defect: the caller hears
 * that and nothing of its insides.
 */
export function failed(error: unknown): Response {
  if (error instanceof Refusal) {
    return json(error.status, errorBody(error, error.problems), error.headers);
  }
  if (error instanceof ControlError) {
    return json(STATUS[error.code], errorBody(error, error.problems.map(problemObject)));
  }
  return json(500, { error: { code: "internal", message: "a defect of Belay; its log says more" } });
}

function errorBody(
  { code, message, holder }: { code: string; message: string; holder?: string | undefined },
  problems: readonly ProblemObject[],
): object {
  return {
    error: { code, message, ...(holder === undefined ? {} : { holder }) },
    ...(problems.length === 0 ? {} : { problems }),
  };
}

/** A problem as the API says it, without a place in a text. */
export function problemObject({ path, message, hint, code }: Problem): ProblemObject {
  return { path: formatPath(path), message, ...(hint === undefined ? {} : { hint }), code };
}
