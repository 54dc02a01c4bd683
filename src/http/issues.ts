import type { z } from "zod";
import { formatPath } from "../core/failure/problem.ts";
import { PROBLEM_CODES, type ProblemCode } from "../core/failure/problem-codes.ts";
import type { ProblemObject } from "./contract.ts";

type Issue = z.core.$ZodIssue;

/** What is wrong with a request, in words of our own: zod's are for programmers. */
export function problemsOf(issues: readonly Issue[], input: unknown): ProblemObject[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
    return describe(issue, valueAt(input, path)).map(({ at = [], ...said }) => ({
      path: formatPath([...path, ...at]),
      ...said,
    }));
  });
}

interface Said {
  readonly at?: readonly string[];
  readonly message: string;
  readonly hint?: string;
  readonly code: ProblemCode;
}

function describe(issue: Issue, value: unknown): Said[] {
  switch (issue.code) {
    case "invalid_type":
      if (value === undefined) return [{ message: `it is missing, ${a(issue.expected)} is needed`, code: "missing" }];
      return [{ message: `${a(issue.expected)} is needed, not ${nameOf(value)}`, code: "wrong-type" }];
    case "unrecognized_keys":
      return issue.keys.map((key) => ({ at: [key], message: `"${clip(key)}" is not known here`, code: "unknown-key" }));
    case "invalid_value":
      return [
        { message: `${quote(value)} is not valid`, hint: `one of: ${issue.values.join(", ")}`, code: "bad-value" },
      ];
    case "too_small":
      return [{ message: `${quote(value)} is too small`, hint: `at least ${issue.minimum}`, code: "bad-value" }];
    case "too_big":
      return [{ message: `${quote(value)} is too large`, hint: `at most ${issue.maximum}`, code: "bad-value" }];
    case "custom":
      return [saidIn(issue)];
    case "invalid_union":
      return unionOf(issue, value);
    case "invalid_format":
    case "not_multiple_of":
    case "invalid_key":
    case "invalid_element":
      return [{ message: `${quote(value)} is not valid`, code: "bad-value" }];
  }
}

function unionOf(issue: Extract<Issue, { code: "invalid_union" }>, value: unknown): Said[] {
  if (issue.discriminator !== undefined) return [kindOf(issue, value)];
  const wanted = issue.errors.flat().map((inner) => {
    if (inner.code === "invalid_value") return inner.values.map((one) => JSON.stringify(one)).join(" or ");
    return inner.code === "invalid_type" ? a(inner.expected) : "";
  });
  const hint = [...new Set(wanted)].filter((text) => text !== "").join(" or ");
  const said: Said = { message: `${quote(value)} is not valid`, code: "bad-value" };
  return [hint === "" ? said : { ...said, hint }];
}

/** The field that says what the rest of the body is. */
function kindOf(issue: Issue, value: unknown): Said {
  const options = "options" in issue && Array.isArray(issue.options) ? issue.options : [];
  const hint = `one of: ${options.join(", ")}`;
  if (value === undefined) return { message: "it is missing", hint, code: "missing" };
  return { message: `${quote(value)} is not valid`, hint, code: "bad-value" };
}

/** A check of ours: what it says is in `params`. */
function saidIn(issue: Extract<Issue, { code: "custom" }>): Said {
  const { hint, code } = issue.params ?? {};
  return {
    message: issue.message,
    ...(typeof hint === "string" ? { hint } : {}),
    code: PROBLEM_CODES.find((known) => known === code) ?? "bad-value",
  };
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "a list",
};

function a(expected: string): string {
  return KINDS[expected] ?? expected;
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "number" ? String(value) : (KINDS[typeof value] ?? typeof value);
}

function quote(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "object" && value !== null) return nameOf(value);
  return clip(JSON.stringify(value));
}

function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function valueAt(input: unknown, path: readonly (string | number)[]): unknown {
  let value = input;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[part];
  }
  return value;
}
