import type { Problem } from "../core/failure/problem.ts";
import type { Mesh, Weights } from "../core/mesh/mesh.ts";
import type { Selection } from "../core/mesh/selection.ts";
import type { Resource } from "../core/resource/resource.ts";
import type { Codec } from "./codec.ts";

/** What is compiled for one group of nodes. */
export interface Compilation {
  readonly resources: readonly Resource[];
  /** With paths into the mesh. With any problem the resources must not be served. */
  readonly problems: readonly Problem[];
}

/**
 * What the nodes of one group get: a pure function, so that two replicas, or one before and after a restart,
 * give the same bytes.
 */
export function compile(_mesh: Mesh, _weights: Weights, _selection: Selection, _codec: Codec): Compilation {
  throw new Error("being written");
}
