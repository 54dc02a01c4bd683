import type { Resource } from "../resource/resource.ts";
import { CLUSTER, ENDPOINTS, SECRET } from "../resource/type-url.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { resourceOf } from "../snapshot/snapshot.ts";
import type { Known } from "./client.ts";
import { entriesOf } from "./client.ts";
import type { TypeState } from "./type-state.ts";

/** What a cluster waits for before it is warm. */
const WARMS_BY: readonly string[] = [ENDPOINTS, SECRET];

/** Resources by type URL and name. */
export type Orphans = ReadonlyMap<string, ReadonlyMap<string, Resource>>;

/** None at all. */
export const NO_ORPHANS: Orphans = new Map();

interface Before {
  readonly types: ReadonlyMap<string, TypeState>;
  readonly view: Snapshot | undefined;
  readonly orphans: Orphans;
}

/**
 * Endpoints and secrets of clusters that are on their way, which the next view no longer has. An Envoy with ADS acknowledges
 * clusters only when they are warm (W3), so until then it has to be given what they wait for: the next clusters come after.
 * Where clusters have a stream to themselves their ACK says nothing of that: there it is what all that the client has wait
 * for, and routes may lead to.
 */
export function orphansOf(
  { types, view: before, orphans }: Before,
  view: Snapshot,
  change: ReadonlyMap<string, ReadonlySet<string>>,
): Orphans {
  const clusters = types.get(CLUSTER);
  if (clusters === undefined || before === undefined) return NO_ORPHANS;
  const after = new Map<string, Map<string, Resource>>();
  let waitedFor: ReadonlySet<string> | undefined;
  for (const typeUrl of WARMS_BY) {
    for (const name of [...(orphans.get(typeUrl)?.keys() ?? []), ...(change.get(typeUrl) ?? [])]) {
      const known = resourceOf(before, typeUrl, name) ?? orphans.get(typeUrl)?.get(name);
      if (known === undefined || resourceOf(view, typeUrl, name) !== undefined) continue;
      waitedFor ??= childrenOf(parentsIn(types, clusters));
      if (!waitedFor.has(`${typeUrl} ${name}`)) continue;
      after.set(typeUrl, (after.get(typeUrl) ?? new Map<string, Resource>()).set(name, known));
    }
  }
  return after.size === 0 ? NO_ORPHANS : after;
}

/** The clusters that are on their way, and all that the client has where nothing else is on their stream. */
function* parentsIn(types: ReadonlyMap<string, TypeState>, clusters: TypeState): Generator<Known> {
  yield* clusters.inflight?.resources.values() ?? [];
  if (isAlone(types)) for (const [, known] of entriesOf(clusters.client, clusters.subscription)) yield known;
}

/** Clusters have a stream to themselves, as far as can be told. */
function isAlone(types: ReadonlyMap<string, TypeState>): boolean {
  return !WARMS_BY.some((typeUrl) => types.has(typeUrl));
}

function childrenOf(resources: Iterable<Known>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { refs } of resources) for (const { typeUrl, name } of refs) names.add(`${typeUrl} ${name}`);
  return names;
}

/** They are over once the clusters have been answered or, where these have a stream to themselves, are those of the view. */
export function stillOrphans(types: ReadonlyMap<string, TypeState>, orphans: Orphans): Orphans {
  if (orphans.size === 0) return orphans;
  const clusters = types.get(CLUSTER);
  if (clusters?.inflight !== undefined) return orphans;
  const differs = clusters !== undefined && (clusters.pending === "all" || clusters.pending.size > 0);
  return differs && isAlone(types) ? orphans : NO_ORPHANS;
}
