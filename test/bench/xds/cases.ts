import type { Dialect, Kind } from "./wire.ts";

/** What the clients of a case do; load.ts has one function for each. */
export type Scenario = "push" | "idle" | "reconnect" | "acks" | "slow" | "nack";

/** A case: which clients with which resources, and what happens. */
export interface Case {
  readonly name: string;
  readonly scenario: Scenario;
  readonly dialect: Dialect;
  readonly streams: number;
  readonly perConnection: number;
  readonly clusters: number;
  readonly endpoints: number;
  readonly padding: number;
  /** The type that all streams ask for, and of which resources change. */
  readonly kind: Kind;
  /** Names a stream asks for, the next stream the next ones; 0 is all of them. */
  readonly namesEach: number;
  readonly changes: number;
  /** Resources that are new in a change. */
  readonly changed: number;
}

const USUAL = {
  perConnection: 1,
  clusters: 10,
  endpoints: 1_000,
  padding: 0,
  kind: "endpoints",
  namesEach: 0,
  changes: 10,
  changed: 1,
} as const;

/** About 390 KB of clusters for each stream. */
const BIG = {
  ...USUAL,
  dialect: "sotw",
  streams: 200,
  clusters: 1_000,
  endpoints: 1,
  padding: 264,
  kind: "clusters",
} as const;

const BOTH: readonly Dialect[] = ["delta", "sotw"];

function inBoth(name: string, parts: Omit<Case, "name" | "dialect">, after = ""): readonly Case[] {
  return BOTH.map((dialect) => ({ ...parts, name: `${name} ${dialect}${after}`, dialect }));
}

const ONE_OF = { ...USUAL, scenario: "push", streams: 1_000 } as const;
const IDLE = { ...USUAL, scenario: "idle", dialect: "delta", namesEach: 10, changes: 0 } as const;
const RECONNECT = { ...USUAL, scenario: "reconnect", streams: 2_000, changes: 1 } as const;
const ACKS = { ...USUAL, scenario: "acks", streams: 100, clusters: 1, endpoints: 10, changes: 0 } as const;
const NACK = { ...USUAL, scenario: "nack", streams: 1, endpoints: 10, changes: 1 } as const;

/** All cases, in the order in which they are run. */
export const CASES: readonly Case[] = [
  ...inBoth("one-of-many", { ...ONE_OF, changes: 5 }),
  ...inBoth("one-of-ten", { ...ONE_OF, endpoints: 10 }),
  { ...BIG, name: "big-sotw one", scenario: "push" },
  { ...BIG, name: "big-sotw all", scenario: "push", changed: 1_000 },
  { ...IDLE, name: "idle 10000/100", streams: 10_000, perConnection: 100 },
  { ...IDLE, name: "idle 2000/1", streams: 2_000 },
  ...inBoth("reconnect", RECONNECT),
  ...inBoth("reconnect", { ...RECONNECT, changes: 0 }, " same"),
  ...inBoth("acks", ACKS),
  { ...BIG, name: "slow", scenario: "slow", changes: 10 },
  ...inBoth("nack", NACK),
];

/** What can be measured, in the order of the table. */
export const FIGURES = {
  p50: "p50, ms",
  p99: "p99, ms",
  cpu: "server CPU a change, ms",
  bytes: "bytes a stream and change",
  sync: "first sync, ms",
  syncCpu: "server CPU for it, ms",
  resident: "resident at rest, MiB",
  perStream: "of it a stream, KiB",
  back: "all in sync again, ms",
  backCpu: "server CPU for it again, ms",
  again: "bytes sent again a stream",
  acks: "ACKs taken in a second",
  ackCpu: "server CPU an ACK, µs",
  without: "p99 of the others without it, ms",
  with: "p99 of the others with it, ms",
  answers: "answers in 2 s",
  peak: "peak resident, MiB",
  clientCpu: "client CPU, ms",
} as const;

export type Figure = keyof typeof FIGURES;

/** Figures of which more is better. */
export const MORE_IS_BETTER: ReadonlySet<Figure> = new Set(["acks"]);

/** The client's own work says whether it is the server that is measured: it is shown and not compared. */
export const NOT_COMPARED: ReadonlySet<Figure> = new Set(["clientCpu"]);

export type Figures = Partial<Record<Figure, number>>;
