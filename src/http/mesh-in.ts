import type { Effect, Request } from "../control/control-plane.ts";
import { ControlError } from "../core/failure/control-error.ts";
import type { Mesh } from "../core/mesh/mesh.ts";
import { invalid } from "./answer.ts";
import type { Backend } from "./backend.ts";

const REQUEST_FIELDS: ReadonlySet<unknown> = new Set(["reason", "by", "idempotencyKey"]);

/** What text without a name is called in its problems. */
const NAMELESS = "mesh.yaml";

interface MeshBody {
  readonly mesh?: unknown;
  readonly source?: string | { readonly name: string; readonly text: string } | undefined;
}

interface MeshIn {
  readonly mesh: Mesh;
  readonly source?: { readonly name: string; readonly text: string };
}

/**
 * The mesh in a body, as text or as an object, checked also by compiling it.
 *
 * @throws Refusal 422 with every problem, with its place where there is a text
 */
export async function meshIn({ meshReader, controlPlane }: Backend, body: MeshBody): Promise<MeshIn> {
  const given = body.source;
  const source = typeof given === "string" ? { name: NAMELESS, text: given } : given;
  const reading =
    source === undefined ? meshReader.readValue(body.mesh) : meshReader.readText(source.text, source.name);
  const read = await reading;
  if ("problems" in read) throw invalid(read.problems);
  const found = controlPlane.check(read.mesh);
  if (found.length > 0) throw invalid(await meshReader.locate(found, source?.text, source?.name));
  return { mesh: read.mesh, ...(source === undefined ? {} : { source }) };
}

/**
 * Publishes the mesh in a body, or with `dryRun` says what that would do.
 *
 * @throws what the control plane throws, its problems with their places in the text
 */
export async function publishFrom(backend: Backend, { mesh, source }: MeshIn, asked: Request): Promise<Effect> {
  try {
    return await backend.controlPlane.publish({ ...asked, mesh, ...(source === undefined ? {} : { source }) });
  } catch (error) {
    if (!(error instanceof ControlError) || error.problems.length === 0) throw error;
    // Mistakes in the request itself have no place in the file.
    if (error.problems.some(({ path }) => path.length === 1 && REQUEST_FIELDS.has(path[0]))) throw error;
    throw invalid(await backend.meshReader.locate(error.problems, source?.text, source?.name));
  }
}
