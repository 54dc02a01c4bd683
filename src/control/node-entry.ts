import type { NodeIdentity } from "../core/node/node.ts";
import type { NodeMemory } from "../core/xds/memory.ts";
import type { StreamEvent } from "../core/xds/message.ts";
import type { Stream } from "../core/xds/stream.ts";
import type { View } from "./fleet.ts";
import type { NameLists } from "./name-lists.ts";

/** How a stream is ended by the server, in the words of gRPC. */
export type StreamEnd = "ok" | "unavailable" | "invalid-argument";

/** A stream of a node that is open now. */
export interface LiveStream {
  /** The stream as it is; undefined before its first request. */
  readonly stream: Stream | undefined;
  /** The node's view has changed. */
  refresh(): void;
  end(how: StreamEnd, why: string): void;
}

/** What the fleet keeps of one node, connected or not. */
export interface NodeEntry {
  identity: NodeIdentity;
  /** Its live streams, the newest last: that one tells what the node has. */
  readonly streams: LiveStream[];
  view: View | undefined;
  unmatched: string | undefined;
  /** The last view that it acknowledged whole. */
  acked: View | undefined;
  /** The view that it is in sync with now. */
  inSyncWith: View | undefined;
  /** What it had when its last stream ended. */
  memory: NodeMemory;
  /** Milliseconds since the epoch: when it came or went. */
  since: number;
}

/** Where a stream reports: who it is, what its node has, and that it is gone. */
export interface NodeDesk {
  /** The lists of names that streams have asked for. */
  readonly names: NameLists;
  join(identity: NodeIdentity, stream: LiveStream): NodeEntry;
  /** Tells listeners that the node is here. */
  announce(entry: NodeEntry): void;
  /** The node said again who it is. */
  rename(entry: NodeEntry, identity: NodeIdentity): void;
  leave(entry: NodeEntry, stream: LiveStream, memory: NodeMemory | undefined): void;
  converged(entry: NodeEntry, stream: LiveStream): void;
  report(entry: NodeEntry, stream: LiveStream, event: StreamEvent): void;
}
