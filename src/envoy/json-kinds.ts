/*
 * Kinds of JSON values, as the readers and writers of this folder tell them apart.
 */

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
