import type { Mesh } from "../core/mesh/mesh.ts";
import { groupOf, isEmptySelection, type Selection, selectionOf } from "../core/mesh/selection.ts";
import type { NodeIdentity, NodeSelector } from "../core/node/node.ts";

/** A group of nodes: what of the mesh is for them, and its name. */
export interface Group {
  readonly name: string;
  readonly selection: Selection;
}

/** The group that a node is in; undefined where nothing in the mesh is for it. */
export function groupFor(mesh: Mesh, node: NodeIdentity): Group | undefined {
  const selection = selectionOf(mesh, node);
  return isEmptySelection(selection) ? undefined : { name: groupOf(mesh, selection), selection };
}

/** The groups of these nodes and of those that the selectors of the mesh have in mind, each once. */
export function possibleGroups(mesh: Mesh, nodes: Iterable<NodeIdentity>): Group[] {
  const groups = new Map<string, Group>();
  const selectors = [...mesh.gateways, ...mesh.sidecars, ...mesh.resources].map((item) => item.nodes);
  for (const node of [...nodes, ...selectors.flatMap(imagined)]) {
    const group = groupFor(mesh, node);
    if (group !== undefined) groups.set(group.name, group);
  }
  return [...groups.values()];
}

/** Why nothing is for a node, in a sentence. */
export function whyUnmatched(node: NodeIdentity, revision: number): string {
  const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`);
  const who = `node.cluster ${JSON.stringify(node.cluster)}${labels.length === 0 ? "" : ` (labels ${labels.join(", ")})`}`;
  return `nothing in revision ${revision} selects it: no gateway, sidecar or resource is for ${who} or this node.id`.slice(
    0,
    500,
  );
}

/** One node for each value that a selector names: the first ones of the other fields. */
function imagined(selector: NodeSelector): NodeIdentity[] {
  if (selector === "all") return [imaginary({})];
  const labels = Object.fromEntries(
    Object.entries(selector.labels ?? {}).map(([label, values]) => [label, values[0] ?? ""]),
  );
  const id = selector.id?.[0] ?? "";
  const clusters = selector.cluster ?? [""];
  return [
    ...clusters.map((cluster) => imaginary({ cluster, id, labels })),
    ...(selector.id ?? []).slice(1).map((other) => imaginary({ cluster: clusters[0] ?? "", id: other, labels })),
  ];
}

function imaginary(known: Partial<NodeIdentity>): NodeIdentity {
  return { id: "", cluster: "", labels: {}, zone: "", envoyVersion: "", ...known };
}
