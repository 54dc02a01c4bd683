import type { Problem } from "../core/failure/problem.ts";
import { PROBLEM_CODES } from "../core/failure/problem-codes.ts";

/**
 * What a schema says of a mistake. A zod message is one string, so the three parts travel in it,
 * parted by a character that YAML does not allow in a text.
 */
export type Said = Pick<Problem, "message" | "hint" | "code">;

const PART = "\u0001";

export function say(said: Said): string {
  return [said.code, said.message, said.hint ?? ""].join(PART);
}

/** The parts of a message made by `say`; undefined for zod's own words. */
export function hear(text: string): Said | undefined {
  const [word, message, hint] = text.split(PART);
  const code = PROBLEM_CODES.find((known) => known === word);
  if (code === undefined || message === undefined) return undefined;
  return hint === undefined || hint === "" ? { code, message } : { code, message, hint };
}

/** A piece of what a person wrote, quoted and short enough for a message. */
export function quote(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** `a, b or c` */
export function either(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
