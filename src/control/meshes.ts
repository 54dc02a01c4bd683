import { ControlError } from "../core/failure/control-error.ts";
import type { State } from "../core/journal/state.ts";
import type { Mesh } from "../core/mesh/mesh.ts";
import type { Store } from "./store.ts";

/** Meshes kept in memory beside those in use: people look at neighbours. */
const KEPT = 8;

/** The meshes of revisions, read from their blobs and kept while they are in use. */
export class Meshes {
  readonly #store: Store;
  readonly #cache = new Map<number, Mesh>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** The mesh of a revision, where it is in memory. */
  peek(revision: number): Mesh | undefined {
    return this.#cache.get(revision);
  }

  /** @throws ControlError `not-found` for an unknown revision, `not-ready` where its blob is missing or damaged */
  async load(state: State, revision: number): Promise<Mesh> {
    const cached = this.#cache.get(revision);
    if (cached !== undefined) return cached;
    const record = state.revisions.get(revision);
    if (record === undefined) {
      throw new ControlError("not-found", `there is no revision ${revision}; belay revision list shows them`);
    }
    const bytes = await this.#store.blob(record.mesh);
    if (bytes === undefined) {
      throw new ControlError(
        "not-ready",
        `the mesh of revision ${revision} is not in the store: it is damaged; restore it from a copy`,
      );
    }
    const mesh = JSON.parse(new TextDecoder().decode(bytes)) as Mesh;
    this.put(revision, mesh);
    return mesh;
  }

  /** A mesh that is about to be published. */
  put(revision: number, mesh: Mesh): void {
    this.#cache.set(revision, mesh);
  }

  /** Drops what is neither in use nor recent. */
  trim(inUse: ReadonlySet<number>): void {
    const idle = [...this.#cache.keys()].filter((revision) => !inUse.has(revision));
    for (const revision of idle.slice(0, Math.max(0, idle.length - KEPT))) this.#cache.delete(revision);
  }

  /** A revision that came to nothing: its number will be another's. */
  forget(revision: number): void {
    this.#cache.delete(revision);
  }
}
