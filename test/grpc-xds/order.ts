/** What the client program is told to do: so many calls, calls until it is told to stop, the end of those. */
export type Order =
  | (Calls & { readonly kind: "calls"; readonly count: number })
  | (Calls & { readonly kind: "load" })
  | { readonly kind: "stop" };

/** What to call. */
export interface Calls {
  /** What gRPC dials: `xds:///shop`. */
  readonly target: string;
  readonly method: string;
  /** Calls at a time. */
  readonly lanes: number;
}

/** How many calls each backend answered, and how many failed with which words. */
export interface Tally {
  readonly answers: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
}
