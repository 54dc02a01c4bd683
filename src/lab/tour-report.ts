import type { Counts } from "./tally.ts";
import { number } from "./text.ts";

/** What a step of the tour found. */
export interface Found {
  /** The parts of the sentence with the figure. */
  readonly facts: readonly string[];
  /** A few words for the table. */
  readonly short: string;
  /** What did not go as the step says. */
  readonly wrong?: string | undefined;
}

/** A step that was played, and the requests that were sent during it. */
export interface Played extends Found {
  readonly name: string;
  readonly counts: Counts;
}

/** A step that did not do what it says. */
export function notAsTold(wrong: string): Found {
  return { facts: [], short: "not as told", wrong };
}

/** The one sentence after a step: what was found, and how many requests failed. */
export function sentenceOf({ facts, counts }: Played): string {
  const failed = `${counts.failed === 0 ? "no request" : number(counts.failed)} failed`;
  const text = facts.length === 0 ? failed : `${facts.join(", ")}, and ${failed}`;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Each step with its requests, and how many of them failed. */
export function table(played: readonly Played[]): string {
  const row = (step: string, requests: string, failed: string, seen: string): string =>
    `${step.padEnd(20)}${requests.padStart(10)}${failed.padStart(8)}   ${seen}`.trimEnd();
  const rows = played.map(({ name, counts, short }) => row(name, number(counts.sent), number(counts.failed), short));
  return [row("step", "requests", "failed", "what was seen"), ...rows].join("\n");
}

/** The sum of all steps, with the first failure where there is one. */
export function ending(played: readonly Played[], tookMs: number): string {
  const sent = played.reduce((sum, { counts }) => sum + counts.sent, 0);
  const failed = played.reduce((sum, { counts }) => sum + counts.failed, 0);
  const first = played.find(({ counts }) => counts.firstFailure !== undefined)?.counts.firstFailure;
  const cause = first === undefined ? "" : ` (the first at ${first.target}: ${first.cause})`;
  return `${number(sent)} requests, ${number(failed)} failed${cause}, in ${(tookMs / 1_000).toFixed(0)} s.`;
}

/** 0 where every step did what it says and no request failed, else 1. */
export function exitCodeOf(played: readonly Played[]): 0 | 1 {
  return played.every(({ wrong, counts }) => wrong === undefined && counts.failed === 0) ? 0 : 1;
}
