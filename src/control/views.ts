import type { Problem } from "../core/failure/problem.ts";
import type { EventBody, FleetState } from "../core/journal/event.ts";
import { viewKey } from "../core/journal/fold.ts";
import type { State } from "../core/journal/state.ts";
import { canonicalJson } from "../core/mesh/canonical.ts";
import type { Mesh, Weights } from "../core/mesh/mesh.ts";
import type { Digest, Resource } from "../core/resource/resource.ts";
import { resourceOf, snapshotOf } from "../core/snapshot/snapshot.ts";
import type { Codec } from "../envoy/codec.ts";
import type { Compilation, compile } from "../envoy/compile.ts";
import type { View } from "./fleet.ts";
import type { Group } from "./groups.ts";
import { readView, storedView } from "./manifest.ts";
import type { Store } from "./store.ts";

/** How meshes become resources. */
export type Compile = typeof compile;

/** What views are made with. */
export interface ViewParts {
  readonly store: Store;
  readonly digest: Digest;
  readonly codec: Codec;
  readonly compile: Compile;
}

/** What must be appended so that views that were just compiled are stored bytes from now on. */
export interface Unstored {
  readonly events: readonly EventBody[];
  readonly blobs: readonly Uint8Array[];
  /** A group that has any gets no view. */
  readonly problems: readonly Problem[];
}

/** What a check has compiled. */
interface Checked {
  readonly mesh: Mesh;
  readonly weights: string;
  /** By group. */
  readonly compilations: ReadonlyMap<string, Compilation>;
}

/** Views of past states kept in memory beside those in use. */
const KEPT_STATES = 4;

/** The bytes of every group in a state: compiled once, and from then on what the store has. */
export class Views {
  readonly #parts: ViewParts;
  /** By state, then by group. */
  readonly #cache = new Map<string, Map<string, View>>();
  readonly #weights = new WeakMap<Weights, string>();
  readonly #keys = new WeakMap<FleetState, string>();
  #checked: Checked | undefined;
  /** Resources of views that the journal has: their bytes are in the store. */
  readonly #stored = new WeakSet<Resource>();

  constructor(parts: ViewParts) {
    this.#parts = parts;
  }

  /** The view of a group in a state, where it has been prepared. */
  get(state: FleetState, group: string): View | undefined {
    return this.#cache.get(this.#key(state))?.get(group);
  }

  /** Are these two the same view, whatever made them? */
  isSame(a: FleetState, b: FleetState): boolean {
    return this.#key(a) === this.#key(b);
  }

  /** Makes `get` answer for these groups. What it returns must be appended. */
  async prepare(journal: State, state: FleetState, mesh: Mesh, groups: readonly Group[]): Promise<Unstored> {
    const events: EventBody[] = [];
    const blobs: Uint8Array[] = [];
    const problems: Problem[] = [];
    for (const group of groups) {
      const stored = journal.views.get(viewKey(state.revision, this.#weightsDigest(state.weights), group.name));
      if (stored !== undefined && (await this.#hasStored(state, group, stored))) continue;
      const found = this.#compiled(state, mesh, group);
      if ("problems" in found) {
        problems.push(...found.problems);
        continue;
      }
      const { digest, blobs: parts } = storedView(resourcesOf(found), this.#parts.digest, (resource) =>
        this.#stored.has(resource),
      );
      const weights = this.#weightsDigest(state.weights);
      events.push({ type: "view.compiled", revision: state.revision, weights, group: group.name, manifest: digest });
      blobs.push(...parts);
    }
    return { events, blobs, problems: unique(problems) };
  }

  /** Problems of groups in a state. What was compiled for it is used again: a mesh is checked before its command, and in it. */
  check(state: FleetState, mesh: Mesh, groups: readonly Group[]): readonly Problem[] {
    const { compile: compiled, codec } = this.#parts;
    const found = groups.map((group): [string, Compilation] => [
      group.name,
      this.#checkedBefore(state, mesh, group) ?? compiled(mesh, state.weights, group.selection, codec),
    ]);
    this.#checked = { mesh, weights: this.#weightsDigest(state.weights), compilations: new Map(found) };
    return unique(found.flatMap(([, { problems }]) => problems));
  }

  /** Drops the views of states that are neither in use nor recent. */
  trim(inUse: readonly FleetState[]): void {
    const kept = new Set(inUse.map((state) => this.#key(state)));
    const idle = [...this.#cache.keys()].filter((key) => !kept.has(key));
    for (const key of idle.slice(0, Math.max(0, idle.length - KEPT_STATES))) this.#cache.delete(key);
  }

  /** A command has ended. A revision of this number came to nothing: the number will be another's. */
  forget(revision: number): void {
    this.#checked = undefined;
    for (const key of this.#cache.keys()) if (key.startsWith(`${revision} `)) this.#cache.delete(key);
  }

  #compiled(state: FleetState, mesh: Mesh, group: Group): View | { readonly problems: readonly Problem[] } {
    const cached = this.get(state, group.name);
    if (cached !== undefined) return cached;
    const { compile: compiled, codec } = this.#parts;
    const { resources, problems } =
      this.#checkedBefore(state, mesh, group) ?? compiled(mesh, state.weights, group.selection, codec);
    return problems.length > 0 ? { problems } : this.#keep(state, group.name, resources);
  }

  #checkedBefore(state: FleetState, mesh: Mesh, group: Group): Compilation | undefined {
    const checked = this.#checked;
    if (checked?.mesh !== mesh || checked.weights !== this.#weightsDigest(state.weights)) return undefined;
    return checked.compilations.get(group.name);
  }

  async #hasStored(state: FleetState, group: Group, manifest: string): Promise<boolean> {
    if (this.get(state, group.name) === undefined && !(await this.#restore(state, group, manifest))) return false;
    const view = this.get(state, group.name);
    for (const resource of view === undefined ? [] : resourcesOf(view)) this.#stored.add(resource);
    return true;
  }

  async #restore(state: FleetState, group: Group, manifest: string): Promise<boolean> {
    const resources = await readView(manifest, (digest) => this.#parts.store.blob(digest));
    if (resources === undefined) return false;
    this.#keep(state, group.name, resources);
    return true;
  }

  #keep(state: FleetState, group: string, resources: readonly Resource[]): View {
    const others = [...this.#cache.values()].flatMap((views) => views.get(group) ?? []);
    const shared = resources.map((resource) => known(others, resource) ?? resource);
    const view = { snapshot: snapshotOf(shared, this.#parts.digest), revision: state.revision, group };
    const key = this.#key(state);
    const views = this.#cache.get(key) ?? new Map<string, View>();
    this.#cache.set(key, views.set(group, view));
    return view;
  }

  #key(state: FleetState): string {
    const cached = this.#keys.get(state);
    if (cached !== undefined) return cached;
    const key = `${state.revision} ${this.#weightsDigest(state.weights)}`;
    this.#keys.set(state, key);
    return key;
  }

  #weightsDigest(weights: Weights): string {
    const cached = this.#weights.get(weights);
    if (cached !== undefined) return cached;
    const digest = this.#parts.digest(canonicalJson(weights));
    this.#weights.set(weights, digest);
    return digest;
  }
}

/** The same resource in another view, so that equal bytes are in memory once and are wrapped for the wire once. */
function known(views: readonly View[], resource: Resource): Resource | undefined {
  for (const { snapshot } of views) {
    const other = resourceOf(snapshot, resource.typeUrl, resource.name);
    if (other?.version === resource.version) return other;
  }
  return undefined;
}

function resourcesOf(view: View): Resource[] {
  return [...view.snapshot.types.values()].flatMap(({ resources }) => [...resources.values()]);
}

function unique(problems: readonly Problem[]): Problem[] {
  const seen = new Map(
    problems.map((problem) => [`${JSON.stringify(problem.path)} ${problem.code} ${problem.message}`, problem]),
  );
  return [...seen.values()];
}
