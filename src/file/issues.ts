import type { z } from "zod";
import type { Problem } from "../core/failure/problem.ts";
import { nearest } from "../core/mesh/nearest.ts";
import { hear, quote } from "./said.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly (string | number)[];

/** What zod found, in the words of the schema. `value` is what was read, for choosing between the forms a thing may take. */
export function problemsOf(issues: readonly Issue[], value: unknown, base: Path = []): Problem[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, value, [...base, ...issue.path.map(part)]));
}

function problemsOfIssue(issue: Issue, value: unknown, path: Path): Problem[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => unknownKey(key, issue.message.split("\u0001")[1] ?? "", path));
  if (issue.code === "invalid_union") return problemsOfUnion(issue.errors, value, path);
  if (issue.code === "invalid_key") return problemsOf(issue.issues, value, path);
  const said = hear(issue.message);
  if (said === undefined) return [{ path, message: issue.message, code: "invalid" }];
  const key = path.at(-1);
  const missing = said.code === "missing" && typeof key === "string" && valueAt(value, path) === undefined;
  return [{ path, ...said, ...(missing ? { message: `${key} is missing` } : {}) }];
}

function unknownKey(key: string, known: string, path: Path): Problem {
  const keys = known.split(" ");
  const meant = nearest(key, keys);
  const hint = meant === undefined ? `known here: ${keys.join(", ")}` : `did you mean ${meant}?`;
  return { path: [...path, key], message: `unknown key ${quote(key)}`, hint, code: "unknown-key" };
}

/**
 * A thing that may be a text or a mapping: what is said is about the form that was tried. A form was not tried
 * when its own complaint is about the kind of the value as a whole.
 */
function problemsOfUnion(forms: readonly (readonly Issue[])[], value: unknown, path: Path): Problem[] {
  const tried = forms.find((issues) => !issues.some((issue) => issue.path.length === 0 && isAboutKind(issue)));
  if (tried !== undefined) return problemsOf(tried, value, path);
  const object = isObject(valueAt(value, path));
  const issues = forms.find((form) =>
    form.some((issue) => (issue.code === "invalid_type" && issue.expected === "object") === object),
  );
  return problemsOf((issues ?? forms[0] ?? []).slice(0, 1), value, path);
}

function isAboutKind(issue: Issue): boolean {
  return issue.code === "invalid_type" || issue.code === "invalid_value";
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

function part(key: PropertyKey): string | number {
  return typeof key === "symbol" ? String(key) : key;
}
