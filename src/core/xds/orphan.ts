import type { Resource } from "../resource/resource.ts";
import { CLUSTER, ENDPOINTS, SECRET } from "../resource/type-url.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { resourceOf } from "../snapshot/snapshot.ts";
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
 */
export function orphansOf(
  { types, view: before, orphans }: Before,
  view: Snapshot,
  change: ReadonlyMap<string, ReadonlySet<string>>,
): Orphans {
  const inflight = types.get(CLUSTER)?.inflight;
  if (inflight === undefined || before === undefined) return NO_ORPHANS;
  const after = new Map<string, Map<string, Resource>>();
  let waitedFor: ReadonlySet<string> | undefined;
  for (const typeUrl of WARMS_BY) {
    for (const name of [...(orphans.get(typeUrl)?.keys() ?? []), ...(change.get(typeUrl) ?? [])]) {
      const known = resourceOf(before, typeUrl, name) ?? orphans.get(typeUrl)?.get(name);
      if (known === undefined || resourceOf(view, typeUrl, name) !== undefined) continue;
      waitedFor ??= childrenOf(inflight.resources.values());
      if (!waitedFor.has(`${typeUrl} ${name}`)) continue;
      after.set(typeUrl, (after.get(typeUrl) ?? new Map<string, Resource>()).set(name, known));
    }
  }
  return after.size === 0 ? NO_ORPHANS : after;
}

function childrenOf(resources: Iterable<Pick<Resource, "refs">>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { refs } of resources) for (const { typeUrl, name } of refs) names.add(`${typeUrl} ${name}`);
  return names;
}

/** They are over once the clusters have been answered. */
export function stillOrphans(types: ReadonlyMap<string, TypeState>, orphans: Orphans): Orphans {
  return orphans.size > 0 && types.get(CLUSTER)?.inflight !== undefined ? orphans : NO_ORPHANS;
}
