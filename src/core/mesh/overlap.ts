import type { NodeSelector } from "../node/node.ts";

/**
 * Do two selectors surely choose the same nodes, as far as any exist? Where each constrains something that the other does
 * not, nobody can say without looking at nodes: that answer is no, and compiling for the nodes' group finds what is left.
 */
export function surelyOverlap(a: NodeSelector, b: NodeSelector): boolean {
  const [left, right] = [constraintsOf(a), constraintsOf(b)];
  const shared = [...left.keys()].filter((key) => right.has(key));
  if (shared.length < left.size && shared.length < right.size) return false;
  return shared.every((key) => left.get(key)?.some((value) => right.get(key)?.includes(value)) === true);
}

function constraintsOf(selector: NodeSelector): ReadonlyMap<string, readonly string[]> {
  const constraints = new Map<string, readonly string[]>();
  if (selector === "all") return constraints;
  if (selector.cluster !== undefined) constraints.set("cluster", selector.cluster);
  if (selector.id !== undefined) constraints.set("id", selector.id);
  for (const [label, values] of Object.entries(selector.labels ?? {})) constraints.set(`label ${label}`, values);
  return constraints;
}

/** Holders that a newcomer is compared with; compiling finds what lies beyond. */
const COMPARED = 100;

/** Things that only one holder may have on a node, such as a name or an address, and who has them. */
export class Claims {
  readonly #holders = new Map<string, { readonly nodes: NodeSelector; readonly holder: string }[]>();

  /** Claims `thing` for `holder`; answers who else surely has it on the same nodes already. */
  claim(thing: string, nodes: NodeSelector, holder: string): string | undefined {
    const holders = this.#holders.get(thing) ?? [];
    this.#holders.set(thing, holders);
    const last = holders.at(-1);
    if (last !== undefined && last.nodes === nodes && last.holder === holder) return undefined;
    const other = holders.slice(0, COMPARED).find((each) => surelyOverlap(each.nodes, nodes));
    holders.push({ nodes, holder });
    return other?.holder;
  }
}
