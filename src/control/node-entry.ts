import type { NodeIdentity } from "../core/node/node.ts";
import type { Reference } from "../core/resource/resource.ts";
import type { NodeMemory } from "../core/xds/memory.ts";
import type { StreamEvent } from "../core/xds/message.ts";
import type { AckedView, View } from "./fleet.ts";
import type { NameLists } from "./name-lists.ts";
import { MemoryOfNode } from "./node-memory.ts";
import type { ScopedStream } from "./node-streams.ts";
import type { XdsCounters } from "./xds-counters.ts";

/** How a stream is ended by the server, in the words of gRPC; `aged` is OK, and its connection goes too where nothing else uses it. */
export type StreamEnd = "ok" | "aged" | "unavailable" | "invalid-argument";

/** A stream of a node that is open now. */
export interface LiveStream extends ScopedStream {
  /** The node's view changed at that moment: it is looked at from now on. */
  adopt(view: View | undefined, since: number): void;
  /** Is a change of its view still to be sent? */
  readonly owesChange: boolean;
  /** Says what is due. */
  refresh(): void;
  /** These were referred to by something that changed on another stream of the node: they are due again. */
  owe(children: readonly Reference[]): void;
  /** Something that it may wait for has happened on another stream of the node. */
  wake(): void;
  /** May it be ended without anything being lost, because it has reached this age? */
  mayRetire(now: number, ageMs: number): boolean;
  end(how: StreamEnd, why: string): void;
}

/** What the fleet keeps of one node, connected or not. */
export interface NodeEntry {
  identity: NodeIdentity;
  /** Its live streams, the newest last. Never changed, only replaced: streams come and go while they are told something. */
  streams: readonly LiveStream[];
  view: View | undefined;
  /** When the view was given, in milliseconds since the epoch. */
  viewAt: number;
  /** Its streams have not been told of the view yet: their turn comes. */
  isBehind: boolean;
  /** They are in line for being told. */
  isQueued: boolean;
  unmatched: string | undefined;
  /** The last view that it acknowledged whole. */
  acked: AckedView | undefined;
  /** The view that it is in sync with now. */
  inSyncWith: View | undefined;
  /** What it had when its streams ended. */
  memory: MemoryOfNode;
  /** Milliseconds since the epoch: when it came or went. */
  since: number;
}

/** A node that is heard of for the first time. */
export function newEntry(id: string, now: number): NodeEntry {
  return {
    identity: { id, cluster: "", labels: {}, zone: "", envoyVersion: "" },
    streams: [],
    inSyncWith: undefined,
    view: undefined,
    viewAt: 0,
    isBehind: false,
    isQueued: false,
    unmatched: undefined,
    acked: undefined,
    memory: new MemoryOfNode(),
    since: now,
  };
}

/** What a stream is told once it has said which node it is. */
export interface Joined {
  readonly entry: NodeEntry;
  /** What the node had before. */
  readonly memory: NodeMemory;
  /** Listeners are to be told that the node is here: they do not know it yet, or not so. */
  readonly isNews: boolean;
}

/** Where a stream reports: who it is, what its node has, and that it is gone. */
export interface NodeDesk {
  readonly counters: XdsCounters;
  /** The lists of names that streams have asked for. */
  readonly names: NameLists;
  /** A stream has said which node it is. */
  join(identity: NodeIdentity, stream: LiveStream): Joined;
  /** Tells listeners that the node is here. */
  announce(entry: NodeEntry): void;
  /** The node said again who it is. */
  rename(entry: NodeEntry, identity: NodeIdentity): void;
  /** Tells the node's streams now what it should have, where they do not know it yet. */
  catchUp(entry: NodeEntry): void;
  leave(entry: NodeEntry, stream: LiveStream, memory: NodeMemory | undefined): void;
  /** A stream has heard or said something: the node may be in sync now. */
  moved(entry: NodeEntry): void;
  /** A stream has decided what is done about a refusal. */
  decided(entry: NodeEntry): void;
  report(entry: NodeEntry, stream: LiveStream, event: StreamEvent): void;
}
