import type { Kind } from "./wire.ts";

/** What a server under test is told, one JSON object a line on its standard input. It answers each with one line. */
export type Order =
  | {
      readonly do: "fill";
      readonly group: string;
      readonly clusters: number;
      readonly endpoints: number;
      /** Letters added to each cluster. */
      readonly padding: number;
    }
  /** The first `count` resources of the kind are made anew with the mark of the next round. */
  | { readonly do: "change"; readonly kind: Kind; readonly count: number };

/** What the client looks for in the bytes of responses: it stands nowhere else. */
export function markOf(round: number): string {
  return `round-${String(round).padStart(8, "0")}`;
}

/** The name of the n-th resource of any kind. */
export function nameOf(n: number): string {
  return `svc-${n}`;
}
