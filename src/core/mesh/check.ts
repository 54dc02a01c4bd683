import type { Problem } from "../failure/problem.ts";
import type { Mesh } from "./mesh.ts";

export function checkMesh(_mesh: Mesh): Problem[] {
  return [];
}
