import type { Problem } from "../core/failure/problem.ts";

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
  const [code, message, hint] = text.split(PART);
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

/** The word of the list that is most like this one, where one is near enough to have been meant. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of words) {
    const far = distance(word.slice(0, 100).toLowerCase(), candidate.toLowerCase());
    if (far < least) [best, least] = [candidate, far];
  }
  return best;
}

/** Edit distance in which two swapped neighbours count once. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
