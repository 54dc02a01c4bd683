import type { Problem } from "../core/failure/problem.ts";
import type { JournalEvent } from "../core/journal/event.ts";
import type { RevisionRecord, RolloutRecord, State } from "../core/journal/state.ts";
import type { Mesh } from "../core/mesh/mesh.ts";
import type { NodeStatus } from "./fleet.ts";

/** Who asks, why, and the conditions they set. */
export interface Request {
  readonly by: string;
  readonly reason: string;
  readonly idempotencyKey?: string;
  /** A digest of what is asked for; the control plane sets it. */
  readonly fingerprint?: string;
  /** Nothing is written; the answer says what would have happened. */
  readonly dryRun?: boolean;
}

export interface PublishRequest extends Request {
  readonly mesh: Mesh;
  readonly source?: { readonly name: string; readonly text: string };
  /** Makes it live at once, without a rollout. Only for a store without revisions, before any node is served. */
  readonly seed?: boolean;
  /** `all`: one host, then all. The only kind until rollouts judge themselves; also the default. */
  readonly stages?: "all";
}

export interface ShiftRequest extends Request {
  readonly service: string;
  /** Version → basis points; versions not named share the rest in their present proportion. */
  readonly weights: Readonly<Record<string, number>>;
}

export interface ConfigRolloutRequest extends Request {
  readonly revision: number;
}

export interface RollbackRequest extends Request {
  readonly to?: number | "last-known-good";
  readonly now?: boolean;
  readonly keepWeights?: boolean;
}

/** What a mutation did, or with `dryRun` would do. */
export interface Effect {
  /** Sentences for the person who asked, the most important first. */
  readonly summary: readonly string[];
  /** Connected nodes whose view changes. */
  readonly nodes: readonly string[];
  /** Present when a revision was (or would be) published. */
  readonly revision?: RevisionRecord;
  /** Absent where there was nothing to do. */
  readonly rollout?: RolloutRecord;
}

export interface Readiness {
  readonly ready: boolean;
  /** A sentence for `/readyz` and for streams, where not ready. */
  readonly why?: string;
}

/**
 * Everything that can be asked of a control plane. The HTTP edge is a translation of this and nothing more.
 * Mutations run one after the other; each is on disk when its promise resolves. They throw ControlError.
 */
export interface ControlPlane {
  readiness(): Readiness;
  /** The fold of the journal: immutable, replaced by each event. */
  state(): State;
  nodes(): readonly NodeStatus[];
  node(id: string): NodeStatus | undefined;
  mesh(revision: number): Promise<Mesh>;
  /** The text that a person wrote, where the revision was published as text. */
  source(revision: number): Promise<string | undefined>;
  /** Problems that only compiling for the nodes' groups finds; empty means that it can be published. */
  check(mesh: Mesh): readonly Problem[];
  publish(request: PublishRequest): Promise<Effect>;
  shift(request: ShiftRequest): Promise<Effect>;
  /** Rolls a published revision out again. */
  rollOut(request: ConfigRolloutRequest): Promise<Effect>;
  rollback(request: RollbackRequest): Promise<Effect>;
  /** Everything back to before the rollout. */
  abort(rollout: string, request: Request): Promise<Effect>;
  journal(after: number, limit: number): Promise<readonly JournalEvent[]>;
  /** Each event after it is on disk. */
  watch(listener: (event: JournalEvent) => void): () => void;
  close(): Promise<void>;
}
