import type { Asked, FleetState, Refusal, RolloutKind, StagePlan, Strays } from "./event.ts";

export type RevisionStatus = "validated" | "rolling" | "live" | "knownGood" | "tainted" | "retired";

export interface RevisionRecord {
  readonly n: number;
  readonly parent: number | null;
  readonly status: RevisionStatus;
  /** Digest of the blob with the canonical JSON of the Mesh. */
  readonly mesh: string;
  readonly source?: { readonly name: string; readonly blob: string };
  /** RFC 3339. */
  readonly at: string;
  readonly asked: Asked;
  /** Sequence number of the last event that changed it: its `version` for If-Match. */
  readonly seq: number;
}

export type RolloutState =
  | "planned"
  | "applying"
  | "held"
  | "rollingBack"
  | "done"
  | "rolledBack"
  | "aborted"
  | "failed";

export interface RolloutRecord {
  readonly id: string;
  readonly kind: RolloutKind;
  readonly state: RolloutState;
  readonly service?: string;
  readonly from: FleetState;
  readonly to: FleetState;
  readonly stages: readonly StagePlan[];
  /** Index of the stage it is in; -1 before the first. */
  readonly stage: number;
  /** When it entered its present stage, RFC 3339. */
  readonly since: string;
  /** Connected nodes whose view was to change when it started. */
  readonly nodes?: readonly string[];
  /** Nodes that were on neither `from` nor `to` when it started. */
  readonly strays?: readonly Strays[];
  /** Node ids that have been given the target, in the order of the stages. */
  readonly targets: readonly string[];
  readonly acked: readonly string[];
  readonly refused: readonly Refusal[];
  readonly lost: readonly string[];
  /** When doubt begins, RFC 3339; absent once ended. */
  readonly deadline?: string;
  /** What it becomes once every host is back; present while rolling back. */
  readonly ends?: "rolledBack" | "aborted";
  readonly undoes: readonly string[];
  readonly asked: Asked;
  readonly startedAt: string;
  readonly endedAt?: string;
  /** Why it is in its state, in a sentence. */
  readonly why: string;
  /** One sentence for each transition, oldest first. */
  readonly history: readonly { readonly at: string; readonly text: string }[];
  readonly seq: number;
}

/** A done state and where it came from, for rollbacks. */
export interface DoneState extends FleetState {
  /** Rollout that made it, or null for the seed. */
  readonly rollout: string | null;
  readonly at: string;
}

/** The fold of the journal. */
export interface State {
  /** Sequence number of the last event folded in; 0 for an empty journal. */
  readonly seq: number;
  readonly revisions: ReadonlyMap<number, RevisionRecord>;
  readonly rollouts: ReadonlyMap<string, RolloutRecord>;
  /** The state that the fleet is in when no rollout runs; null before the seed. */
  readonly live: FleetState | null;
  /** Every state that was reached, oldest first; the last is `live`. */
  readonly done: readonly DoneState[];
  /** The rollout that has not ended, if there is one: one at a time. */
  readonly active: string | null;
  /** `${revision} ${weightsDigest} ${group}` → manifest blob. */
  readonly views: ReadonlyMap<string, string>;
  /** Refusals not yet repaired: node → type URL → names whose content in force is not known. */
  readonly unrepaired: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
  /** Idempotency key → what it made (`rollout` or `revision`), and what was asked for. */
  readonly keys: ReadonlyMap<string, Made>;
}

/** What a request with an idempotency key has made. */
export interface Made {
  readonly revision?: number;
  readonly rollout?: string;
  readonly fingerprint?: string;
}
