import type { Problem } from "../core/failure/problem.ts";

/** Deepest nesting that is read; Envoy's own configuration stays far below. */
const DEPTH_LIMIT = 64;

/** What is in a value that JSON cannot carry, or that is nested beyond reason. Walks without recursion. */
export function plainProblems(root: unknown): Problem[] {
  const problems: Problem[] = [];
  const open: { value: unknown; path: readonly (string | number)[] }[] = [{ value: root, path: [] }];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    const { value, path } = item;
    if (typeof value !== "object" || value === null) {
      if (!isPlainScalar(value))
        problems.push({ path, message: `${String(value)} cannot stand in JSON`, code: "not-json" });
      continue;
    }
    if (path.length >= DEPTH_LIMIT)
      return [{ path: path.slice(0, 8), message: `nested deeper than ${DEPTH_LIMIT} levels`, code: "too-deep" }];
    if (Array.isArray(value)) {
      for (const [index, child] of value.entries()) open.push({ value: child, path: [...path, index] });
      continue;
    }
    for (const [key, child] of Object.entries(value)) {
      if (key === "__proto__")
        problems.push({ path: [...path, key], message: 'the key "__proto__" has no place here', code: "unknown-key" });
      open.push({ value: child, path: [...path, key] });
    }
  }
  return problems;
}

function isPlainScalar(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  return value === null || value === undefined || typeof value === "string" || typeof value === "boolean";
}
