import type { Resource } from "../resource/resource.ts";
import type { Known } from "./client.ts";

/** What a client is given in place of content that it refused. */
export interface Substitute {
  /** The version that the view has of it and that is kept back; `ABSENT`: the view has it no more. */
  readonly refused: string;
  /**
   * What the client last acknowledged. Where this process does not have it whole, nothing is said of the name, so that the
   * client keeps it. Undefined: the client had nothing, and is given nothing.
   */
  readonly good: Known | undefined;
}

/** Substitutes by name. */
export type Substitutes = ReadonlyMap<string, Substitute>;

/** What is being done about the refusals of a type, until it is in sync again. */
export interface Refusal {
  /** What the refused response held, until it is decided what to do about it. */
  readonly news: ReadonlyMap<string, Resource> | undefined;
  readonly instead: Substitutes;
  /** Everything that the response changed was set back, not only what the client's words name. */
  readonly isWhole: boolean;
  /** How often the same content has been refused, where it is sent again. */
  readonly attempts: number;
  /** When it is sent again, in milliseconds. */
  readonly retryAt: number | undefined;
}

const NONE: Substitutes = new Map();

/** A refusal about which nothing has been done. */
export const FIRST_REFUSAL: Refusal = {
  news: undefined,
  instead: NONE,
  isWhole: false,
  attempts: 0,
  retryAt: undefined,
};

/** Is anything of the type kept back from the client? Then it cannot be in sync. */
export function isKeptBack({ refusal }: { readonly refusal: Refusal | undefined }): boolean {
  return refusal !== undefined && refusal.instead.size > 0;
}
