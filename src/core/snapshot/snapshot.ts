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
  const byType = new Map<string, Resource[]>();
  for (const resource of resources) {
    const list = byType.get(resource.typeUrl);
    if (list === undefined) byType.set(resource.typeUrl, [resource]);
    else list.push(resource);
  }
  const types = new Map<string, TypeSet>();
  const parts: string[] = [];
  for (const typeUrl of [...byType.keys()].sort()) {
    const list = byType.get(typeUrl) ?? [];
    const sorted = new Map([...list].sort(byName).map((resource) => [resource.name, resource]));
    const content = contentVersion(sorted.values(), digest);
    const given = typeof versions === "string" ? versions : versions[typeUrl];
    const set = { version: given ?? content.slice(0, TYPE_VERSION_LENGTH), resources: sorted };
    types.set(typeUrl, list.some(({ ttlMs }) => ttlMs !== undefined) ? { ...set, expires: true } : set);
    parts.push(`${typeUrl} ${content}\n`);
  }
  return { digest: versionOf(parts.join(""), digest), types };
}

function contentVersion(resources: Iterable<Resource>, digest: Digest): string {
  let text = "";
  for (const { name, version } of resources) text += `${JSON.stringify(name)} ${version}\n`;
  return versionOf(text, digest);
}

function byName(a: Resource, b: Resource): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
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
