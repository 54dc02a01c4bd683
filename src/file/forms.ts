import { z } from "zod";
import { regexProblem } from "./patterns.ts";
import { either, quote, type Said, say } from "./said.ts";
import { nameProblem, readAddress, textAs } from "./values.ts";

/** The longest time that a request may take: a day. */
export const DAY_MS = 86_400_000;

/** An object without other keys. What it says of an unknown key is the list of the known ones, for the suggestion. */
export function object<Shape extends z.core.$ZodLooseShape>(what: string, shape: Shape) {
  return z.strictObject(shape, {
    error(issue) {
      if (issue.code === "unrecognized_keys")
        return say({ message: Object.keys(shape).join(" "), code: "unknown-key" });
      return say(wrongKind(issue.input, what, mappingOf(Object.keys(shape))));
    },
  });
}

/** Rules over a whole mapping say nothing more where its parts are wrong already. */
export function isSoundSoFar(payload: { readonly issues: readonly unknown[] }): boolean {
  return payload.issues.length === 0;
}

function mappingOf(keys: readonly string[]): string {
  return `a mapping with ${keys.length > 3 ? `${keys.slice(0, 3).join(", ")}, …` : either(keys)}`;
}

export function list<Item extends z.ZodType>(what: string, item: Item) {
  return z
    .array(item, { error: (issue) => say(wrongKind(issue.input, what, "a list")) })
    .min(1, { error: say({ message: `${what} is an empty list`, code: "empty-list" }) });
}

export function wrongKind(input: unknown, what: string, kind: string): Said {
  if (input === undefined) return { message: `${what} is missing`, code: "missing" };
  if (input === null) return { message: `${what} says nothing`, hint: `it is ${kind}`, code: "wrong-type" };
  return { message: `${what} is ${kind}, not ${quote(input)}`, code: "wrong-type" };
}

/** One word, where the other form is a mapping. */
export function word<const Word extends string>(what: string, only: Word, otherwise: string) {
  return z.literal(only, {
    error(issue) {
      if (issue.input === undefined) return say({ message: `${what} is missing`, hint: otherwise, code: "missing" });
      return say({ message: `${what} is ${only}, not ${quote(issue.input)}`, hint: otherwise, code: "wrong-value" });
    },
  });
}

export function integerBetween(what: string, least: number, most: number) {
  const said = (input: unknown): string =>
    input === undefined
      ? say({ message: `${what} is missing`, code: "missing" })
      : say({
          message: `${what} is a whole number from ${least} to ${most}, not ${quote(input)}`,
          code: "wrong-value",
        });
  return z
    .int({ error: (issue) => said(issue.input) })
    .min(least, { error: (issue) => said(issue.input) })
    .max(most, {
      error: (issue) => said(issue.input),
    });
}

/** A text that is free but not empty, such as an owner or a reason. */
export function words(what: string, example: string, limit = 200) {
  return textAs(what, example, (text) => {
    if (text.trim() === "") return { message: `${what} is empty`, hint: `for example ${example}`, code: "missing" };
    if (text.length > limit) return { message: `${what} is longer than ${limit} characters`, code: "too-long" };
    return { value: text };
  });
}

export function checked(what: string, example: string, problem: (text: string) => Said | undefined) {
  return textAs(what, example, (text) => problem(text) ?? { value: text });
}

/** Names that people give to things in a mapping: versions. */
export function namedBy<Value extends z.ZodType>(what: string, example: string, value: Value) {
  const key = z.string().superRefine((text, context) => {
    const problem = nameProblem(text);
    if (problem !== undefined)
      context.addIssue({ code: "custom", message: say({ ...problem, code: "bad-version-name" }) });
  });
  return z.record(key, value, {
    error: (issue) => say(wrongKind(issue.input, what, `a mapping such as ${example}`)),
  });
}

/** One value or a list of them. */
export function oneOrMore<Item extends z.ZodType>(what: string, item: Item) {
  return z.union([item, list(what, item)]);
}

/** Exactly one of the keys of a matcher. */
export function exactlyOne(keys: readonly string[], what: string) {
  return {
    params: {
      when: isSoundSoFar,
      error: say({ message: `${what} has exactly one of ${either(keys)}`, code: "wrong-value" }),
    },
    check: (value: Readonly<Record<string, unknown>>) =>
      Object.values(value).filter((part) => part !== undefined).length === 1,
  };
}

export const regex = checked("a regular expression", '"/items/[0-9]+"', regexProblem);

export const address = textAs("an address and port", '"127.0.0.1:8080"', readAddress).meta({
  description: 'An IP address and port: "127.0.0.1:8080", "[::1]:8080".',
});
