import type { Weights } from "../mesh/mesh.ts";

/**
 * A *state* of the fleet: a revision with the weights in force. The seed makes one, and each rollout that is `done`.
 * Two states are the same when both their parts are equal. Revision 0 is the state before the first revision was
 * published: in it no node is told anything.
 */
export interface FleetState {
  readonly revision: number;
  readonly weights: Weights;
}

export type RolloutKind = "config" | "shift" | "rollback";

/** How a rollout can end. */
export type RolloutEnd = "done" | "rolledBack" | "aborted" | "failed";

/** One step of a rollout: how many hosts take the target. (Holds, gates and weights per stage come with staged plans.) */
export interface StagePlan {
  readonly hosts: 1 | "all";
}

/** A host that refused what it was sent, in Envoy's own words, made safe to store and show. */
export interface Refusal {
  readonly node: string;
  readonly typeUrl: string;
  readonly error: string;
}

/** Nodes that have neither the `from` nor the target of a rollout when it starts: what a rollout that it takes over from left. */
export interface Strays {
  readonly state: FleetState;
  readonly nodes: readonly string[];
}

/** What a person asked for: who, why, and the key that makes a repetition harmless. */
export interface Asked {
  readonly by: string;
  readonly reason: string;
  readonly idempotencyKey?: string;
  /** With a key: a digest of what was asked for, so that the key of one request does not answer another. */
  readonly fingerprint?: string;
}

/** What happened. All state is a fold of these; the journal is the audit log. */
export type EventBody =
  | {
      readonly type: "revision.published";
      readonly revision: number;
      readonly parent: number | null;
      /** Digest of the blob with the canonical JSON of the Mesh. */
      readonly mesh: string;
      /** Digest of the blob with the text that a person wrote, and its name, where it was given as text. */
      readonly source?: { readonly name: string; readonly blob: string };
      /** The seed: live at once, without a rollout, with these weights. */
      readonly seedWeights?: Weights;
      readonly asked: Asked;
    }
  | {
      readonly type: "rollout.started";
      readonly rollout: string;
      readonly kind: RolloutKind;
      readonly service?: string;
      readonly from: FleetState;
      readonly to: FleetState;
      readonly stages: readonly StagePlan[];
      /** Connected nodes whose view changes: the most that can be touched by those who are here now. */
      readonly nodes?: readonly string[];
      /** They keep what they have until their stage comes, and go to `from` if it is taken back. */
      readonly strays?: readonly Strays[];
      /** Sentences: what a rollback undoes. */
      readonly undoes?: readonly string[];
      readonly asked: Asked;
    }
  | {
      readonly type: "rollout.stage";
      readonly rollout: string;
      readonly stage: number;
      /** The nodes that take the target in this stage, besides those of earlier stages. */
      readonly targets: readonly string[];
      /** When doubt begins: no ACK by then means `held`. RFC 3339. */
      readonly deadline: string;
    }
  | {
      readonly type: "rollout.acked";
      readonly rollout: string;
      readonly stage: number;
      readonly nodes: readonly string[];
    }
  | { readonly type: "rollout.lost"; readonly rollout: string; readonly nodes: readonly string[] }
  | { readonly type: "rollout.held"; readonly rollout: string; readonly why: string }
  | { readonly type: "rollout.resumed"; readonly rollout: string; readonly why: string; readonly deadline: string }
  | {
      readonly type: "rollout.rollingBack";
      readonly rollout: string;
      readonly why: string;
      readonly deadline: string;
      /** What the rollout becomes once every host is back. */
      readonly end: "rolledBack" | "aborted";
      readonly asked?: Asked;
    }
  | { readonly type: "rollout.ended"; readonly rollout: string; readonly end: RolloutEnd; readonly why: string }
  | {
      readonly type: "nack";
      readonly node: string;
      readonly group: string;
      readonly typeUrl: string;
      readonly error: string;
      /** Names of the response that was refused: what is in force for them is not known until it was sent again. */
      readonly names: readonly string[];
      readonly rollout?: string;
    }
  /** The node took everything again after a refusal of that type. */
  | { readonly type: "nack.repaired"; readonly node: string; readonly typeUrl: string }
  /** The bytes that a group gets in a state were compiled: served from these blobs ever after, also by a newer compiler. */
  | {
      readonly type: "view.compiled";
      readonly revision: number;
      readonly weights: string;
      readonly group: string;
      readonly manifest: string;
    };

/** An event as it stands in the journal. */
export interface JournalEvent {
  /** 1, 2, 3 … without gaps. */
  readonly seq: number;
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly body: EventBody;
}
