import { possibleGroups } from "../control/groups.ts";
import { ControlError } from "../core/failure/control-error.ts";
import type { Problem } from "../core/failure/problem.ts";
import { seedWeights } from "../core/mesh/weights.ts";
import type { NodeIdentity } from "../core/node/node.ts";
import type { Resource } from "../core/resource/resource.ts";
import type { Codec } from "../envoy/codec.ts";
import { compile } from "../envoy/compile.ts";
import { loadCodec } from "../file/schema-set.ts";
import { CommandFailure, EXIT } from "./failure.ts";
import { invalidFile, type MeshFile } from "./mesh-file.ts";

/** What one group of Envoys would get. */
export interface CompiledGroup {
  readonly name: string;
  readonly resources: readonly Resource[];
}

export interface Compiled {
  readonly codec: Codec;
  readonly groups: readonly CompiledGroup[];
}

/**
 * Compiles a mesh for every group that its selectors have in mind, with the weights that a new mesh starts with.
 *
 * @param only a node of which one wants to see nothing but its group
 * @throws CommandFailure (usage) with a line for each problem
 */
export async function compileFile(file: MeshFile, only?: NodeIdentity): Promise<Compiled> {
  const codec = await builtInCodec();
  const { mesh } = file;
  const weights = seedWeights(mesh);
  const problems: Problem[] = [];
  const groups = possibleGroups(mesh, only === undefined ? [] : [only]).map(({ name, selection }) => {
    const compiled = compile(mesh, weights, selection, codec);
    problems.push(...compiled.problems);
    return { name, resources: compiled.resources };
  });
  // Groups share services and routes: the same mistake is one mistake.
  const unique = new Map(problems.map((problem) => [JSON.stringify([problem.path, problem.message]), problem]));
  if (unique.size > 0) throw await invalidFile(file, [...unique.values()]);
  return { codec, groups };
}

async function builtInCodec(): Promise<Codec> {
  try {
    return await loadCodec();
  } catch (error) {
    if (error instanceof ControlError) throw new CommandFailure(EXIT.failed, error.message);
    throw error;
  }
}
