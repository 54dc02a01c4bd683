import type { Mesh } from "../mesh/mesh.ts";
import type { NodeIdentity } from "../node/node.ts";
import type { Digest } from "../resource/resource.ts";

/** What counts where neither the node nor its service says a tier. */
const DEFAULT_TIER = 2;

/** 0 (most critical) .. 3: the node's label `tier`, else the tier of the service that is named like its cluster, else 2. */
export function tierOf(node: NodeIdentity, mesh: Mesh | undefined): number {
  const label = Object.hasOwn(node.labels, "tier") ? node.labels["tier"] : undefined;
  if (label !== undefined && /^[0-3]$/.test(label)) return Number(label);
  return mesh?.services.find(({ name }) => name === node.cluster)?.tier ?? DEFAULT_TIER;
}

/** The host that takes a rollout first: of the least critical tier, and there by chance that is the same each time. */
export function firstHost(
  candidates: readonly { readonly node: string; readonly tier: number }[],
  rollout: string,
  digest: Digest,
): string | undefined {
  let best: { node: string; tier: number; rank: string } | undefined;
  for (const { node, tier } of candidates) {
    if (best !== undefined && tier < best.tier) continue;
    const rank = digest(`${rollout} ${node}`);
    if (best === undefined || tier > best.tier || rank < best.rank) best = { node, tier, rank };
  }
  return best?.node;
}
