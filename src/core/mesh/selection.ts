import type { NodeIdentity } from "../node/node.ts";
import { selects } from "../node/node.ts";
import type { Mesh } from "./mesh.ts";

/** What of a mesh is for one node: indexes into its lists. Nodes with equal selections form a group. */
export interface Selection {
  readonly gateways: readonly number[];
  readonly sidecars: readonly number[];
  readonly resources: readonly number[];
}

/** What of the mesh is for this node. */
export function selectionOf(mesh: Mesh, node: NodeIdentity): Selection {
  const chosen = (list: readonly { nodes: Parameters<typeof selects>[0] }[]): number[] =>
    list.flatMap((item, index) => (selects(item.nodes, node) ? [index] : []));
  return {
    gateways: chosen(mesh.gateways),
    sidecars: chosen(mesh.sidecars),
    resources: chosen(mesh.resources),
  };
}

/** Does nothing in the mesh choose the node? Such a node gets no answer at all. */
export function isEmptySelection(selection: Selection): boolean {
  return selection.gateways.length + selection.sidecars.length + selection.resources.length === 0;
}

/** The group's name: readable, unique within the mesh, e.g. `edge` or `reviews+r0`. Empty for an empty selection. */
export function groupOf(mesh: Mesh, selection: Selection): string {
  const names = [
    ...selection.gateways.map((index) => mesh.gateways[index]?.name ?? ""),
    ...selection.sidecars.map((index) => `sidecar:${mesh.sidecars[index]?.service ?? ""}`),
    ...selection.resources.map((index) => `r${index}`),
  ];
  return names.join("+");
}
