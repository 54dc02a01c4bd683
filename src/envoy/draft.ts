import type { Mesh, Service } from "../core/mesh/mesh.ts";
import type { Json } from "./json.ts";

export type Path = readonly (string | number)[];

/** A resource before it is encoded, and where in the mesh each of its fields comes from. */
export interface Draft {
  readonly json: Json;
  readonly origin: (path: Path) => Path;
  /** A person wrote it as it stands. */
  readonly raw?: boolean;
}

/** Services by name, each with its index in the mesh, in the order of the mesh. */
export function indexServices(mesh: Mesh): ReadonlyMap<string, readonly [Service, number]> {
  return new Map(mesh.services.map((service, index) => [service.name, [service, index]]));
}
