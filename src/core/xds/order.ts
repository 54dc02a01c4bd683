import type { Resource } from "../resource/resource.ts";
import { CLUSTER, LISTENER, ROUTES, SCOPED_ROUTES, VIRTUAL_HOST, WRITE_ORDER } from "../resource/type-url.ts";
import { hostsOf } from "./alias.ts";
import { knownOf, UNKNOWN_VERSION } from "./client.ts";
import { covers } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";
import { owe } from "./type-state.ts";
import type { Wanted } from "./wanted.ts";
import { difference, goalsOf } from "./wanted.ts";

/** Types that send traffic to clusters by name and do not warm on them: Envoy would answer 503 NC (rule W1). */
const REFERRERS: ReadonlySet<string> = new Set([LISTENER, SCOPED_ROUTES, ROUTES, VIRTUAL_HOST]);

/** The types of a stream in the order in which they are written (W1); unknown ones last, by name. */
export function inWriteOrder(typeUrls: Iterable<string>): string[] {
  const rank = (typeUrl: string): number => {
    const index = WRITE_ORDER.indexOf(typeUrl);
    return index === -1 ? WRITE_ORDER.length : index;
  };
  return [...typeUrls].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/**
 * Must this type wait because what it would send points at clusters that the client has not taken yet?
 * The ACK of clusters means that they are warm (W3). The caller bounds the wait by a clock.
 */
export function waitsForClusters(state: TypeState, wanted: Wanted, types: ReadonlyMap<string, TypeState>): boolean {
  if (!REFERRERS.has(state.typeUrl)) return false;
  const clusters = types.get(CLUSTER);
  const subscription = clusters?.subscription;
  if (clusters === undefined || subscription === undefined) return false;
  const due: Iterable<Resource> =
    state.owed === "all" ? goalsOf(state, wanted).values() : difference(state, wanted).changed;
  for (const resource of due) {
    for (const ref of resource.refs) {
      if (ref.typeUrl !== CLUSTER || !covers(subscription, ref.name)) continue;
      if (isMissing(clusters, ref.name)) return true;
    }
  }
  return false;
}

function isMissing(clusters: TypeState, name: string): boolean {
  const known = knownOf(clusters.client, name);
  return known === undefined || known.version === UNKNOWN_VERSION;
}

/**
 * A changed parent warms until its children are sent again, even when they did not change (W4, P39, P40): a changed
 * cluster its endpoints and secrets, a changed listener its routes.
 */
export function oweChildren(types: Map<string, TypeState>, changed: readonly Resource[]): void {
  for (const { name: parent, refs, finding } of changed) {
    if (finding?.kind === "on-demand-routes") oweHosts(types, parent);
    for (const { typeUrl, name } of refs) {
      if (typeUrl === CLUSTER) continue;
      const child = types.get(typeUrl);
      if (child?.subscription === undefined || !covers(child.subscription, name)) continue;
      types.set(typeUrl, owe(child, [name]));
    }
  }
}

function oweHosts(types: Map<string, TypeState>, route: string): void {
  const hosts = types.get(VIRTUAL_HOST);
  if (hosts?.subscription !== undefined) types.set(VIRTUAL_HOST, owe(hosts, [hostsOf(route)]));
}
