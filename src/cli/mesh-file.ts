import type { LocatedProblem, MeshReader } from "../control/mesh-reader.ts";
import type { Problem } from "../core/failure/problem.ts";
import { MESH_TEXT_LIMIT } from "../core/mesh/limit.ts";
import type { Mesh } from "../core/mesh/mesh.ts";
import type { FileText } from "../file/read-file.ts";
import { problemLine } from "./client.ts";
import { CommandFailure, EXIT } from "./failure.ts";
import type { Session } from "./session.ts";

const STANDARD_INPUT = "-";

/** A mesh file that can be read and understood. */
export interface MeshFile {
  readonly name: string;
  readonly text: string;
  readonly mesh: Mesh;
  readonly reader: MeshReader;
}

/** Does this file come from standard input, so that nobody can be asked there? */
export function isStandardInput(file: string): boolean {
  return file === STANDARD_INPUT;
}

/**
 * Reads a mesh file and checks it as far as that needs no Envoy API.
 *
 * @throws CommandFailure (usage) with a line for each problem
 */
export async function readMeshFile(session: Session, file: string): Promise<MeshFile> {
  const [{ createMeshReader }, { readMeshText }] = await Promise.all([
    import("../file/mesh-reader.ts"),
    import("../file/read-file.ts"),
  ]);
  const name = isStandardInput(file) ? "stdin" : file;
  const given = isStandardInput(file) ? await readInput(session) : await readMeshText(file);
  if (!("text" in given)) throw invalidMesh([{ path: "(document)", file: name, ...given }]);
  const { text } = given;
  const reader = createMeshReader();
  const read = await reader.readText(text, name);
  if ("problems" in read) throw invalidMesh(read.problems);
  return { name, text, mesh: read.mesh, reader };
}

/** What was found later, with its places in the text. */
export async function invalidFile(
  { reader, text, name }: MeshFile,
  problems: readonly Problem[],
): Promise<CommandFailure> {
  return invalidMesh(await reader.locate(problems, text, name));
}

async function readInput({ io }: Session): Promise<FileText> {
  const text = await io.stdin.read(MESH_TEXT_LIMIT);
  return text === undefined ? { message: "it is larger than 16 MiB", code: "too-large" } : { text };
}

/** Exit 2 with the problems, one a line, and as a document with `-o json`. */
export function invalidMesh(problems: readonly LocatedProblem[]): CommandFailure {
  const message = problems.length === 1 ? "the mesh has a problem" : `the mesh has ${problems.length} problems`;
  return new CommandFailure(EXIT.usage, message, { document: { problems }, lines: problems.map(problemLine) });
}
