import { readFileSync } from "node:fs";
import type { Mesh } from "../../src/core/mesh/mesh.ts";
import { formatProblem, readMesh } from "../../src/file/read-mesh.ts";

/** The mesh of a text that must be sound. */
export function meshOf(text: string): Mesh {
  const read = readMesh({ kind: "text", text, name: "mesh.yaml" });
  if ("problems" in read) throw new Error(read.problems.map(formatProblem).join("\n"));
  return read.mesh;
}

export function meshFile(path: string): Mesh {
  return meshOf(readFileSync(path, "utf8"));
}

export const EXAMPLES = ["minimal", "shop", "sidecar", "raw"].map((name) => `examples/${name}.yaml`);
