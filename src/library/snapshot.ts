import { sha256 } from "../control/sha256.ts";
import { formatPath, type Problem } from "../core/failure/problem.ts";
import type { Reference, Resource } from "../core/resource/resource.ts";
import type { Snapshot as Content } from "../core/snapshot/snapshot.ts";
import { dangling, snapshotOf, withTypes } from "../core/snapshot/snapshot.ts";
import type { ResourceInput } from "./resource-input.ts";
import { encodeInput } from "./resource-input.ts";

/** One version for all types, or one by type URL; content hashes for types it does not name. */
export type Versions = string | Readonly<Record<string, string>>;

/** Which resource, without its content. */
export type ResourceName = Reference;

/** What cannot become a snapshot: every mistake at once, with the path from the list of resources. */
export class SnapshotError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const lines = problems.map(({ path, message }) => `${formatPath(path)}: ${message}`);
    super(`the resources cannot be used:\n${lines.join("\n")}`);
    this.name = "SnapshotError";
    this.problems = problems;
  }
}

/** An immutable set of resources. */
export class Snapshot {
  /** The resources by type and name, encoded. */
  readonly content: Content;
  readonly #versions: Versions;

  constructor(content: Content, versions: Versions) {
    this.content = content;
    this.#versions = versions;
  }

  /** What `version_info` and `system_version_info` say for a type; undefined where it has no such resources. */
  version(typeUrl: string): string | undefined {
    return this.content.types.get(typeUrl)?.version;
  }

  /** The names of a type's resources, sorted. */
  names(typeUrl: string): string[] {
    return [...(this.content.types.get(typeUrl)?.resources.keys() ?? [])];
  }

  /** Names that resources refer to and that the snapshot does not have. */
  dangling(): ResourceName[] {
    return dangling(this.content);
  }

  /**
   * The snapshot with some resources set and some removed. `version` touches only the types that changed.
   *
   * @throws SnapshotError for what cannot be encoded
   */
  with(changes: { set?: readonly ResourceInput[]; remove?: readonly ResourceName[]; version?: Versions }): Snapshot {
    const drafts = new Drafts(this.content);
    for (const name of changes.remove ?? []) drafts.remove(name);
    for (const resource of encodeAll(changes.set ?? [])) drafts.set(resource);
    const { drafts: changed, touched } = drafts.changed();
    const versions = mergeVersions(this.#versions, this.content, touched, changes.version);
    return new Snapshot(withTypes(this.content, changed, sha256, versions), versions);
  }
}

/** Types of a snapshot that are being changed. Only those are copied. */
class Drafts {
  readonly #before: Content;
  readonly #drafts = new Map<string, Map<string, Resource>>();
  readonly #touched = new Set<string>();

  constructor(before: Content) {
    this.#before = before;
  }

  remove({ typeUrl, name }: ResourceName): void {
    if (this.#of(typeUrl)?.has(name) !== true) return;
    this.#draft(typeUrl).delete(name);
    this.#touched.add(typeUrl);
  }

  /** Equal content stays the object that it was: streams tell by it that they are sent the same. */
  set(resource: Resource): void {
    const { typeUrl, name, version, refs } = resource;
    const known = this.#of(typeUrl)?.get(name);
    if (known?.version !== version) this.#touched.add(typeUrl);
    // The same bytes, once given as they are and once as JSON, have their references in the second case only.
    else if (known.refs.length === refs.length) return;
    this.#draft(typeUrl).set(name, resource);
  }

  /** What the changed types have now, and the types of which anything is other content. */
  changed(): {
    readonly drafts: ReadonlyMap<string, ReadonlyMap<string, Resource>>;
    readonly touched: ReadonlySet<string>;
  } {
    return { drafts: this.#drafts, touched: this.#touched };
  }

  #of(typeUrl: string): ReadonlyMap<string, Resource> | undefined {
    return this.#drafts.get(typeUrl) ?? this.#before.types.get(typeUrl)?.resources;
  }

  #draft(typeUrl: string): Map<string, Resource> {
    const known = this.#drafts.get(typeUrl);
    if (known !== undefined) return known;
    const made = new Map(this.#before.types.get(typeUrl)?.resources);
    this.#drafts.set(typeUrl, made);
    return made;
  }
}

/**
 * A snapshot of these resources. Pure: equal resources give equal content and, without `version`, equal versions.
 *
 * @throws SnapshotError with every mistake: what cannot be encoded, a missing name, a name given twice for a type
 */
export function snapshot(input: { resources: readonly ResourceInput[]; version?: Versions }): Snapshot {
  const versions = input.version ?? {};
  return new Snapshot(snapshotOf(encodeAll(input.resources), sha256, versions), versions);
}

function encodeAll(inputs: readonly ResourceInput[]): Resource[] {
  if (!Array.isArray(inputs)) {
    const message = `resources must be a list, not ${JSON.stringify(inputs) ?? "nothing"}`.slice(0, 200);
    throw new SnapshotError([{ path: [], message, code: "wrong-type" }]);
  }
  const problems: Problem[] = [];
  const resources: Resource[] = [];
  const seen = new Map<string, Map<string, number>>();
  let index = -1;
  for (const input of inputs) {
    index += 1;
    const result = encodeInput(input, sha256);
    if ("problems" in result) {
      problems.push(...result.problems.map((problem) => ({ ...problem, path: [index, ...problem.path] })));
      continue;
    }
    const { resource } = result;
    const places = seen.get(resource.typeUrl) ?? new Map<string, number>();
    const first = places.get(resource.name);
    if (first !== undefined) problems.push(givenTwice(resource, first, index));
    seen.set(resource.typeUrl, places.set(resource.name, index));
    resources.push(resource);
  }
  if (problems.length > 0) throw new SnapshotError(problems);
  return resources;
}

function givenTwice(resource: Resource, first: number, index: number): Problem {
  const message = `${resource.typeUrl} ${JSON.stringify(resource.name)} was given before, at [${first}]`;
  return { path: [index], message, hint: "give each name once for a type", code: "duplicate-name" };
}

/** Types that did not change keep the version they had; those that did take the new one, or become content hashes. */
function mergeVersions(
  before: Versions,
  content: Content,
  touched: ReadonlySet<string>,
  given?: Versions,
): Readonly<Record<string, string>> {
  const merged: Record<string, string> = {};
  for (const [typeUrl, { version }] of content.types) {
    const said = typeof before === "string" ? before : before[typeUrl];
    if (said !== undefined && !touched.has(typeUrl)) merged[typeUrl] = version;
  }
  for (const typeUrl of touched) {
    const said = typeof given === "string" ? given : given?.[typeUrl];
    if (said !== undefined) merged[typeUrl] = said;
  }
  return merged;
}
