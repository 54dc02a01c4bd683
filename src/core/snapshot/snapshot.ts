import type { Digest, Reference, Resource } from "../resource/resource.ts";
import { versionOf } from "../resource/resource.ts";

/** All resources of one type in a snapshot. */
export interface TypeSet {
  /** Hash over the names and versions of `resources`, or what the maker of the snapshot gave. */
  readonly version: string;
  /** By name, in the order of the names. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Some of them have a time to live. */
  readonly expires?: true;
}

/**
 * Characters of a type's version, six bits each. It is compared only where a client comes back, or polls: then two contents
 * with the same 48 bits would be taken for one, once in 281 million million times. What a resource is known by stays whole.
 */
const TYPE_VERSION_LENGTH = 8;

/** An immutable set of resources. Two snapshots with equal content have equal digests. */
export interface Snapshot {
  readonly digest: string;
  /** By type URL; a type without resources is absent. */
  readonly types: ReadonlyMap<string, TypeSet>;
}

/**
 * Makes a snapshot. Of two resources with the same type and name the later one counts: whoever lets people
 * name things reports duplicates before.
 *
 * @param versions what `version_info` says for all types, or by type URL; content hashes where it says nothing
 */
export function snapshotOf(
  resources: Iterable<Resource>,
  digest: Digest,
  versions: string | Readonly<Record<string, string>> = {},
): Snapshot {
  const byType = new Map<string, Map<string, Resource>>();
  for (const resource of resources) {
    const ofType = byType.get(resource.typeUrl) ?? new Map<string, Resource>();
    byType.set(resource.typeUrl, ofType.set(resource.name, resource));
  }
  const types = new Map<string, TypeSet>();
  for (const [typeUrl, ofType] of byType) {
    types.set(typeUrl, typeSetOf(ofType, digest, typeof versions === "string" ? versions : versions[typeUrl]));
  }
  return snapshotOfSets(types, digest);
}

/**
 * The snapshot with other resources of some types, by type URL and name; these maps are the snapshot's from then on. All
 * other types stay the very same objects, so that what was worked out of them still counts.
 */
export function withTypes(
  before: Snapshot,
  changed: ReadonlyMap<string, ReadonlyMap<string, Resource>>,
  digest: Digest,
  versions: Readonly<Record<string, string>>,
): Snapshot {
  const types = new Map(before.types);
  for (const [typeUrl, resources] of changed) {
    if (resources.size === 0) types.delete(typeUrl);
    else types.set(typeUrl, typeSetOf(resources, digest, versions[typeUrl]));
  }
  return snapshotOfSets(types, digest);
}

/** Hashes over names and versions of sets, whole and whatever the sets' own versions are. */
const contents = new WeakMap<TypeSet, string>();

function typeSetOf(all: ReadonlyMap<string, Resource>, digest: Digest, given: string | undefined): TypeSet {
  const resources = isInOrder(all.keys()) ? all : new Map([...all].sort(byName));
  const content = contentVersion(resources.values(), digest);
  const set = { version: given ?? content.slice(0, TYPE_VERSION_LENGTH), resources };
  const made: TypeSet = expires(resources) ? { ...set, expires: true } : set;
  contents.set(made, content);
  return made;
}

function snapshotOfSets(sets: ReadonlyMap<string, TypeSet>, digest: Digest): Snapshot {
  const types = new Map<string, TypeSet>();
  let text = "";
  for (const typeUrl of [...sets.keys()].sort()) {
    const set = sets.get(typeUrl);
    if (set === undefined) continue;
    types.set(typeUrl, set);
    text += `${typeUrl} ${contents.get(set) ?? contentVersion(set.resources.values(), digest)}\n`;
  }
  return { digest: versionOf(text, digest), types };
}

function contentVersion(resources: Iterable<Resource>, digest: Digest): string {
  let text = "";
  for (const { name, version } of resources) text += `${JSON.stringify(name)} ${version}\n`;
  return versionOf(text, digest);
}

/** Most names are those of a snapshot with other content. */
function isInOrder(names: Iterable<string>): boolean {
  let last: string | undefined;
  for (const name of names) {
    if (last !== undefined && name < last) return false;
    last = name;
  }
  return true;
}

function byName([a]: readonly [string, Resource], [b]: readonly [string, Resource]): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function expires(resources: ReadonlyMap<string, Resource>): boolean {
  for (const { ttlMs } of resources.values()) if (ttlMs !== undefined) return true;
  return false;
}

const NOTHING: ReadonlyMap<string, Resource> = new Map();

/** The snapshot's resources of a type, by name; without a snapshot, or any of the type, one empty map for all. */
export function resourcesOf(snapshot: Snapshot | undefined, typeUrl: string): ReadonlyMap<string, Resource> {
  return snapshot?.types.get(typeUrl)?.resources ?? NOTHING;
}

/** The resource of that type and name, where the snapshot has it. */
export function resourceOf(snapshot: Snapshot, typeUrl: string, name: string): Resource | undefined {
  return snapshot.types.get(typeUrl)?.resources.get(name);
}

/** Names that resources of the snapshot refer to and that it does not have, each once. */
export function dangling(snapshot: Snapshot): Reference[] {
  const missing = new Map<string, Reference>();
  const all = [...snapshot.types.values()].flatMap(({ resources }) => [...resources.values()]);
  for (const { typeUrl, name } of all.flatMap(({ refs }) => refs)) {
    if (resourceOf(snapshot, typeUrl, name) === undefined) missing.set(`${typeUrl} ${name}`, { typeUrl, name });
  }
  return [...missing.values()];
}
