import type { Problem } from "../core/failure/problem.ts";
import type { ProblemCode } from "../core/failure/problem-codes.ts";
import type { Mesh } from "../core/mesh/mesh.ts";

/** A problem with its place in the text that a person wrote. `path` is formatted: `services[0].traffic`. */
export interface LocatedProblem {
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
  readonly code: ProblemCode;
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  readonly column?: number;
}

/** What became of a text or of plain values. */
export type ReadMesh = { readonly mesh: Mesh } | { readonly problems: readonly LocatedProblem[] };

/**
 * Text or plain values to a Mesh, checked. Implemented by `file/`, handed to the edges that take meshes in. Its promises
 * are kept whatever it is given, in bounded time, and while it reads something large everything else goes on.
 */
export interface MeshReader {
  /**
   * YAML or JSON by content; `name` is the file's name for the problems.
   *
   * @throws ControlError `not-ready` where too many large texts are waiting to be read
   */
  readText(text: string, name: string): Promise<ReadMesh>;
  /** @throws ControlError `not-ready`, as `readText` */
  readValue(value: unknown): Promise<ReadMesh>;
  /** Puts places to problems that were found later, by compiling. */
  locate(problems: readonly Problem[], text?: string, name?: string): Promise<readonly LocatedProblem[]>;
  /** The JSON Schema of a mesh file. */
  jsonSchema(): Readonly<Record<string, unknown>>;
}
