import type { Snapshot, TypeSet } from "./snapshot.ts";

/** Names that are added, changed or removed from one snapshot to another, by type URL; types without any are absent. */
export type Change = ReadonlyMap<string, ReadonlySet<string>>;

const numbers = new WeakMap<Snapshot, number>();
let numbered = 0;

/**
 * A number that no other snapshot has: what remembers where it went, or where it came from, remembers this. With the
 * snapshot itself one that is kept anywhere would keep all that came after it, or before.
 */
export function numberOf(snapshot: Snapshot): number {
  const known = numbers.get(snapshot);
  if (known !== undefined) return known;
  numbered += 1;
  numbers.set(snapshot, numbered);
  return numbered;
}

/** The last change computed from each snapshot: all streams of a group go the same way. */
const last = new WeakMap<Snapshot, { readonly to: number; readonly change: Change }>();

/** What differs between two snapshots. Computed once for all streams that go from one to the other. */
export function changeBetween(from: Snapshot, to: Snapshot): Change {
  const known = last.get(from);
  if (known?.to === numberOf(to)) return known.change;
  const change = new Map<string, ReadonlySet<string>>();
  for (const typeUrl of new Set([...from.types.keys(), ...to.types.keys()])) {
    const names = changedNames(from.types.get(typeUrl), to.types.get(typeUrl));
    if (names.size > 0) change.set(typeUrl, names);
  }
  last.set(from, { to: numberOf(to), change });
  return change;
}

function changedNames(from: TypeSet | undefined, to: TypeSet | undefined): Set<string> {
  const names = new Set<string>();
  if (from === to) return names;
  for (const [name, { version }] of from?.resources ?? []) {
    if (to?.resources.get(name)?.version !== version) names.add(name);
  }
  for (const name of to?.resources.keys() ?? []) if (from?.resources.has(name) !== true) names.add(name);
  return names;
}
