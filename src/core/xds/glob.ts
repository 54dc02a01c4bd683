import type { Resource } from "../resource/resource.ts";
import { globOf, isGlob, isNameOfType } from "../resource/xdstp.ts";
import type { Finder } from "./wanted.ts";

/** The members of collections, by the name of the collection. */
type Collections = ReadonlyMap<string, readonly string[]>;

/** Made once for each set of resources of which a collection is asked for. */
const indexes = new WeakMap<ReadonlyMap<string, Resource>, Collections>();

/** Whether there are collections among names, looked for once in each set. */
const globbed = new WeakMap<ReadonlySet<string>, boolean>();

const NO_MEMBERS: readonly string[] = [];

/** Is a collection among what is asked for? */
export function hasGlob(names: ReadonlySet<string>): boolean {
  if (names.size === 0) return false;
  const known = globbed.get(names);
  if (known !== undefined) return known;
  let found = false;
  for (const name of names) found ||= isGlob(name);
  globbed.set(names, found);
  return found;
}

/** What is in the collection; resources whose name is of another type are in none. */
export function membersOf(resources: ReadonlyMap<string, Resource>, glob: string): readonly string[] {
  let collections = indexes.get(resources);
  if (collections === undefined) {
    collections = indexOf(resources);
    indexes.set(resources, collections);
  }
  return collections.get(glob) ?? NO_MEMBERS;
}

function indexOf(resources: ReadonlyMap<string, Resource>): Collections {
  const collections = new Map<string, string[]>();
  for (const { name, typeUrl } of resources.values()) {
    const glob = globOf(name);
    if (glob === undefined || !isNameOfType(name, typeUrl)) continue;
    const members = collections.get(glob);
    if (members === undefined) collections.set(glob, [name]);
    else members.push(name);
  }
  return collections;
}

/** Collections by their members. One without any is answered like a name that does not exist: once, and in delta by it. */
export class GlobFinder implements Finder {
  readonly #resources: ReadonlyMap<string, Resource>;

  constructor(resources: ReadonlyMap<string, Resource>) {
    this.#resources = resources;
  }

  members(asked: Iterable<string>): Iterable<string> {
    const names = new Set<string>();
    for (const name of asked) {
      const members = isGlob(name) ? membersOf(this.#resources, name) : NO_MEMBERS;
      if (members.length === 0) names.add(name);
      for (const member of members) names.add(member);
    }
    return names;
  }

  answer: Finder["answer"] = (_state, said) => ({ said, again: NO_MEMBERS });
}
