import type { Reference } from "../core/resource/resource.ts";
import { CLUSTER, ENDPOINTS } from "../core/resource/type-url.ts";
import type { Snapshot } from "../core/snapshot/snapshot.ts";
import { resourceOf } from "../core/snapshot/snapshot.ts";
import type { Known } from "../core/xds/client.ts";
import { knownOf, withKnown } from "../core/xds/client.ts";
import type { Judged } from "../core/xds/convergence.ts";
import { convergedAt, isTypeConverged, NEVER } from "../core/xds/convergence.ts";
import type { Response } from "../core/xds/message.ts";
import { stillOrphans } from "../core/xds/orphan.ts";
import type { Removals } from "../core/xds/removal.ts";
import { isResource, NO_REMOVALS } from "../core/xds/removal.ts";
import type { ServingRules } from "../core/xds/round.ts";
import type { Step, Stream } from "../core/xds/stream.ts";
import { poll } from "../core/xds/stream.ts";
import type { Subscription } from "../core/xds/subscription.ts";
import { covers, namesOf } from "../core/xds/subscription.ts";
import type { Inflight, TypeState } from "../core/xds/type-state.ts";
import { NO_NAMES, owe, suspect } from "../core/xds/type-state.ts";

/** A stream of a node: of one type, or of all (ADS, where `scope` is undefined). */
export interface ScopedStream {
  readonly scope: string | undefined;
  /** Undefined before its first request. */
  readonly stream: Stream | undefined;
}

/**
 * The streams that tell what a node has, in the order in which they were opened. A node has one ADS stream: an older one
 * is of a connection that broke unnoticed. Of the services for one type it may have many, one for each name even; there
 * only one whose names newer ones have all asked for counts no more.
 */
export function tellingStreams<S extends ScopedStream>(streams: readonly S[]): readonly S[] {
  if (streams.length < 2) return streams;
  const asked = new Map<string, { wildcard: boolean; names: Set<string> }>();
  const telling: S[] = [];
  let hasAds = false;
  for (const one of streams.toReversed()) {
    if (one.scope === undefined) {
      if (!hasAds) telling.push(one);
      hasAds = true;
      continue;
    }
    const subscription = one.stream?.types.get(one.scope)?.subscription;
    const before = asked.get(one.scope) ?? { wildcard: false, names: new Set() };
    if (subscription !== undefined && isCovered(subscription, before)) continue;
    telling.push(one);
    if (subscription === undefined) continue;
    for (const name of subscription.names) before.names.add(name);
    asked.set(one.scope, { wildcard: before.wildcard || subscription.wildcard, names: before.names });
  }
  return telling.reverse();
}

function isCovered({ wildcard, names }: Subscription, by: { wildcard: boolean; names: ReadonlySet<string> }): boolean {
  if (by.wildcard) return true;
  if (wildcard || names.size === 0) return false;
  for (const name of names) if (!by.names.has(name)) return false;
  return true;
}

/** Stands for whatever may be in flight on another stream: nothing of it is sent on this one. */
const ELSEWHERE: Inflight = { nonce: "", version: "", resources: new Map(), removed: [], whole: false, dropped: [] };

/** A node's other streams, as one of them sees them. */
export interface Others {
  /** Those that tell what the node has. */
  readonly telling: readonly Stream[];
  /** Also those whose names newer ones have asked for. */
  readonly all: readonly Stream[];
}

/**
 * Polls a stream in sight of the node's others: removals wait for references that the node has through those, routes for
 * clusters that it takes through those.
 */
export function pollAmong(stream: Stream, { telling: others, all }: Others, now: number, times: ServingRules): Step {
  if (others.length + all.length === 0) return poll(stream, now, times);
  const types = new Map([...stream.types].map(([typeUrl, state]) => [typeUrl, withHeld(state, stream.view, all)]));
  for (const [index, other] of others.entries()) {
    for (const [typeUrl, state] of other.types) {
      const ready = typeUrl === CLUSTER && mayRefer(stream) ? withoutWarming(state, stream.view, others) : state;
      const shown = { ...ready, inflight: state.inflight ?? ELSEWHERE, error: undefined };
      types.set(types.has(typeUrl) ? `${typeUrl} ${index}` : typeUrl, shown);
    }
  }
  const step = poll({ ...stream, types }, now, times);
  const own = [...step.stream.types].filter(([typeUrl]) => stream.types.has(typeUrl));
  const removals: Removals = new Map([...step.stream.removals].filter(([typeUrl]) => stream.types.has(typeUrl)));
  return {
    ...step,
    stream: {
      ...step.stream,
      types: new Map(own),
      removals: removals.size === 0 ? NO_REMOVALS : removals,
      orphans: stillOrphans(new Map(own), stream.orphans),
    },
  };
}

/**
 * The type with what it asks for anew, the view has dropped, and the node still has through another stream or was about to
 * be given: a cluster that warms asks for its endpoints on a new one, and is not to hear that they are gone while routes
 * lead to it.
 */
function withHeld(state: TypeState, view: Snapshot | undefined, others: readonly Stream[]): TypeState {
  const { typeUrl, subscription, client, owed } = state;
  if (view === undefined || subscription === undefined || isNothing(owed)) return state;
  const held: [string, Known][] = [];
  for (const name of owed === "all" ? subscription.names : owed) {
    if (resourceOf(view, typeUrl, name) !== undefined || knownOf(client, name) !== undefined) continue;
    const known = heldAs({ typeUrl, name }, others) ?? orphanOf({ typeUrl, name }, others);
    if (isResource(known)) held.push([name, known]);
  }
  if (held.length === 0) return state;
  const names = held.map(([name]) => name);
  return owe(suspect({ ...state, client: withKnown(client, held) }, new Set(names)), names);
}

function isNothing(owed: TypeState["owed"]): boolean {
  return owed !== "all" && owed.size === 0;
}

/** Has the stream anything to say that may send traffic to clusters? */
function mayRefer({ types }: Stream): boolean {
  for (const { typeUrl, pending, owed } of types.values()) {
    if (
      typeUrl !== CLUSTER &&
      typeUrl !== ENDPOINTS &&
      (pending === "all" || owed === "all" || pending.size + owed.size > 0)
    )
      return true;
  }
  return false;
}

/**
 * The clusters without those that still warm. On ADS the ACK of clusters comes once they are warm; on a stream of their own
 * it comes at once, and they are warm with the ACK of what they refer to.
 */
function withoutWarming(clusters: TypeState, view: Snapshot | undefined, others: readonly Stream[]): TypeState {
  if (view === undefined) return clusters;
  const warming: [string, undefined][] = [];
  for (const { name, refs } of view.types.get(CLUSTER)?.resources.values() ?? []) {
    if (knownOf(clusters.client, name) === undefined) continue;
    if (refs.some((ref) => resourceOf(view, ref.typeUrl, ref.name) !== undefined && heldAs(ref, others) === undefined))
      warming.push([name, undefined]);
  }
  return warming.length === 0 ? clusters : { ...clusters, client: withKnown(clusters.client, warming) };
}

/** What the node has acknowledged of it, on any of these streams. */
function heldAs({ typeUrl, name }: Reference, streams: readonly Stream[]): Known | undefined {
  for (const { types } of streams) {
    const state = types.get(typeUrl);
    if (state?.subscription === undefined || !covers(state.subscription, name)) continue;
    const known = knownOf(state.client, name);
    if (known !== undefined) return known;
  }
  return undefined;
}

/** What clusters wait for and the view dropped before it was asked for. */
function orphanOf({ typeUrl, name }: Reference, streams: readonly Stream[]): Known | undefined {
  for (const { orphans } of streams) {
    const orphan = orphans.get(typeUrl)?.get(name);
    if (orphan !== undefined) return orphan;
  }
  return undefined;
}

/** What resources refer to that a client was sent and did not have so: children that their parent waits for (W4, P39). */
export function childrenOf(before: Stream, responses: readonly Response[]): readonly Reference[] {
  return responses.flatMap(({ typeUrl, resources }) => {
    const client = before.types.get(typeUrl)?.client;
    const isChanged = (name: string, version: string): boolean =>
      client === undefined || knownOf(client, name)?.version !== version;
    return resources.flatMap(({ name, version, refs }) => (isChanged(name, version) ? refs : []));
  });
}

/** The stream with those of the children due that it has subscribed to; the same one where there are none. */
export function oweAll(stream: Stream, children: readonly Reference[]): Stream {
  let { types } = stream;
  for (const { typeUrl, name } of children) {
    // Clusters do not wait for what refers to them.
    if (typeUrl === CLUSTER) continue;
    const state = types.get(typeUrl);
    if (state?.subscription === undefined || !covers(state.subscription, name)) continue;
    types = new Map(types).set(typeUrl, owe(state, [name]));
  }
  return types === stream.types ? stream : { ...stream, types };
}

/** From when on the node counts as converged on all its streams if nothing else happens, as `convergedAt` has it. */
export function nodeConvergedAt(live: readonly ScopedStream[], now: number): number {
  const only = live.length === 1 ? live[0]?.stream : undefined;
  // As nearly all: with each change this is asked of each node, more than once.
  if (only !== undefined) return convergedAt(only, now);
  const streams: Stream[] = [];
  for (const { stream } of tellingStreams(live)) {
    // It has not asked for anything yet, and is about to.
    if (stream === undefined) return NEVER;
    streams.push(stream);
  }
  const first = streams[0];
  if (first === undefined) return NEVER;
  if (streams.length === 1) return convergedAt(first, now);
  for (const stream of streams) {
    for (const state of stream.types.values()) {
      if (state.subscription !== undefined && !isTypeConverged(stream, state)) return NEVER;
    }
  }
  return convergedAt(asked(streams, first), now);
}

/** What the node has asked for on all streams, everything of it taken: what is left is whether it is about to ask. */
function asked(streams: readonly Stream[], first: Stream): Judged {
  const types = new Map<string, TypeState>();
  for (const { types: own } of streams) {
    for (const [typeUrl, state] of own) {
      const subscription = union(types.get(typeUrl)?.subscription, state.subscription);
      types.set(typeUrl, { ...state, subscription, owed: NO_NAMES, pending: NO_NAMES });
    }
  }
  return {
    types,
    view: first.view,
    viewSince: Math.max(...streams.map(({ viewSince }) => viewSince)),
    openedAt: Math.max(...streams.map(({ openedAt }) => openedAt)),
    removals: NO_REMOVALS,
    expects: new Map(streams.flatMap(({ expects }) => [...expects])),
  };
}

function union(a: Subscription | undefined, b: Subscription | undefined): Subscription | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const names = new Set([...namesOf(a), ...namesOf(b)]);
  return { wildcard: a.wildcard || b.wildcard, legacy: a.legacy || b.legacy, names };
}
