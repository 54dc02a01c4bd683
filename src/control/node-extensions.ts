import type { NodeExtensions } from "../core/node/node.ts";

/** More lists than a fleet has builds of Envoy; what comes beyond is not kept. */
const MAX_LISTS = 64;

/** Longer lists are not kept: Envoy has some 700 extensions. */
const MAX_EXTENSIONS = 5_000;
const MAX_NAME_LENGTH = 200;
/** Characters of a whole list: three times what an Envoy says. With those of all lists that is 16 Mi characters, twice. */
const MAX_LIST_LENGTH = 128 << 10;

const lists = new Map<string, WeakRef<NodeExtensions>>();

/**
 * The list by category and name, as one value for all nodes that say the same: a list is tens of kilobytes, and a fleet has a
 * few of them.
 *
 * @returns undefined for none, and for what is too long, or too many different ones, to be kept
 */
export function sharedExtensions(
  pairs: readonly (readonly [category: string, name: string])[],
): NodeExtensions | undefined {
  if (pairs.length === 0 || pairs.length > MAX_EXTENSIONS) return undefined;
  if (pairs.flat().some((text) => text.length > MAX_NAME_LENGTH || text.includes("\n"))) return undefined;
  const sorted = pairs.map(([category, name]) => `${category}\n${name}`).sort();
  const key = sorted.join("\n");
  if (key.length > MAX_LIST_LENGTH) return undefined;
  const known = lists.get(key)?.deref();
  if (known !== undefined) return known;
  if (lists.size >= MAX_LISTS) dropUnused();
  if (lists.size >= MAX_LISTS) return undefined;
  const list = byCategory(sorted);
  lists.set(key, new WeakRef(list));
  return list;
}

function byCategory(sorted: readonly string[]): NodeExtensions {
  const categories = new Map<string, string[]>();
  for (const pair of new Set(sorted)) {
    const [category = "", name = ""] = pair.split("\n");
    const names = categories.get(category);
    if (names === undefined) categories.set(category, [name]);
    else names.push(name);
  }
  return Object.fromEntries(categories);
}

/** Lists of nodes that are forgotten by now. */
function dropUnused(): void {
  for (const [key, list] of lists) if (list.deref() === undefined) lists.delete(key);
}
