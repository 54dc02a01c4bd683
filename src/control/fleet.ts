import type { NodeIdentity } from "../core/node/node.ts";
import type { Snapshot } from "../core/snapshot/snapshot.ts";
import type { KnownSnapshot } from "../core/xds/content.ts";

/** What one node should have now, and what that is in the words of people. */
export interface View {
  readonly snapshot: Snapshot;
  readonly revision: number;
  readonly group: string;
}

/** A view that was acknowledged; of a node that is away the content may be gone. */
export interface AckedView extends Omit<View, "snapshot"> {
  readonly snapshot: KnownSnapshot;
}

export type TypeState = "SYNCED" | "STALE" | "ERROR" | "NOT_SENT";

/** One type of one node. `version` is the one last acknowledged, empty before the first ACK. */
export interface NodeTypeStatus {
  readonly state: TypeState;
  readonly version: string;
  readonly error?: string;
  /** What it refused and is not given now, of an `ERROR`; the first hundred. */
  readonly refused?: readonly RefusedResource[];
}

/** A resource that a client refused, and what was done about it. */
export interface RefusedResource {
  readonly name: string;
  /** The version that was refused; empty: its removal. */
  readonly version: string;
  readonly is: "parked" | "quarantined" | "rolledBack";
  /** The version that the client is given in its place; empty: it is to have none. Absent: what it has is not known. */
  readonly instead?: string;
}

export type NodeState = "IN_SYNC" | "STALE" | "REFUSED" | "UNMATCHED" | "LOST";

/** What the fleet knows of a node, connected or not. */
export interface NodeStatus {
  readonly identity: NodeIdentity;
  readonly connected: boolean;
  /** Milliseconds since the epoch: when `connected` last changed. */
  readonly since: number;
  readonly state: NodeState;
  /** Why it has no view (`UNMATCHED`), in a sentence. */
  readonly unmatched?: string;
  readonly wanted?: View;
  /** The last view that it acknowledged whole. */
  readonly acked?: AckedView;
  readonly types: ReadonlyMap<string, NodeTypeStatus>;
}

export type FleetEvent =
  | { readonly kind: "connected"; readonly node: NodeIdentity }
  | { readonly kind: "lost"; readonly node: NodeIdentity }
  /** It has been away for so long, or so many are, that nothing is known of it any more. */
  | { readonly kind: "forgotten"; readonly node: NodeIdentity }
  /** It is away, and what it had is not known any more: too much would have to be remembered. */
  | { readonly kind: "faded"; readonly node: NodeIdentity }
  /** The node has acknowledged everything that it asks for of the view. */
  | { readonly kind: "converged"; readonly node: NodeIdentity; readonly view: View }
  /** One response was acknowledged. */
  | {
      readonly kind: "acked";
      readonly node: NodeIdentity;
      readonly group: string;
      readonly typeUrl: string;
      readonly version: string;
      readonly nonce: string;
    }
  | {
      readonly kind: "refused";
      readonly node: NodeIdentity;
      readonly group: string;
      readonly typeUrl: string;
      /** Envoy's words, secrets made unreadable. */
      readonly error: string;
      readonly names: readonly string[];
      readonly version: string;
      readonly nonce: string;
    }
  /** It is decided what is done about a refusal: if nothing is on its way now, the node stays as it is. */
  | { readonly kind: "decided"; readonly node: NodeIdentity }
  /** A type that had been refused is in sync again. */
  | { readonly kind: "repaired"; readonly node: NodeIdentity; readonly typeUrl: string };

/** All Envoys that have connected since this process started, and what each has. The conductor's eyes and hands. */
export interface Fleet {
  nodes(): readonly NodeStatus[];
  node(id: string): NodeStatus | undefined;
  /** What the node should have from now on; `undefined` with a reason: nothing is said to it. Resolves nothing: listen. */
  assign(nodeId: string, view: View | undefined, unmatched?: string): void;
  /** Names whose content in force is not known, from the journal: they are sent again in full on the next stream. */
  distrust(nodeId: string, typeUrl: string, names: readonly string[]): void;
  listen(listener: (event: FleetEvent) => void): () => void;
}
