import { readFile, stat } from "node:fs/promises";
import type { LocatedProblem, MeshReader } from "../control/mesh-reader.ts";
import type { Problem } from "../core/failure/problem.ts";
import { MESH_TEXT_LIMIT } from "../core/mesh/limit.ts";
import type { Mesh } from "../core/mesh/mesh.ts";
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
  const { createMeshReader } = await import("../file/mesh-reader.ts");
  const name = isStandardInput(file) ? "stdin" : file;
  const text = isStandardInput(file) ? await session.io.stdin.read(MESH_TEXT_LIMIT) : await readText(file);
  if (text === undefined) throw unusable(name, `it is larger than ${MESH_TEXT_LIMIT / 1024 / 1024} MiB`, "too-large");
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

async function readText(file: string): Promise<string | undefined> {
  try {
    const { size } = await stat(file);
    return size > MESH_TEXT_LIMIT ? undefined : await readFile(file, "utf8");
  } catch (error) {
    throw unusable(file, `it cannot be read: ${whyUnreadable(error)}`, "unreadable");
  }
}

function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EISDIR") return "it is a folder";
  if (code === "EACCES") return "this user may not read it";
  return error instanceof Error ? error.message : String(error);
}

function unusable(file: string, message: string, code: LocatedProblem["code"]): CommandFailure {
  return invalidMesh([{ path: "(document)", message, code, file }]);
}

/** Exit 2 with the problems, one a line, and as a document with `-o json`. */
export function invalidMesh(problems: readonly LocatedProblem[]): CommandFailure {
  const message = problems.length === 1 ? "the mesh has a problem" : `the mesh has ${problems.length} problems`;
  return new CommandFailure(EXIT.usage, message, { document: { problems }, lines: problems.map(problemLine) });
}
