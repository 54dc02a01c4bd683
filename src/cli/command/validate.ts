import type { Mesh } from "../../core/mesh/mesh.ts";
import { compileFile } from "../compiled.ts";
import { EXIT } from "../failure.ts";
import { readMeshFile } from "../mesh-file.ts";
import type { Session } from "../session.ts";

export interface ValidateFlags {
  readonly file: string;
}

/** `belay validate -f F`: exit 2 and a line for each problem where there are any. */
export async function validate(session: Session, { file }: ValidateFlags): Promise<number> {
  const read = await readMeshFile(session, file);
  const { codec } = await compileFile(read);
  const text = `${read.name} is valid: ${contents(read.mesh)}. Checked against the API of Envoy ${codec.envoyVersion}.\n`;
  session.result({ problems: [] }, text);
  return EXIT.done;
}

function contents({ services, gateways, sidecars, resources }: Mesh): string {
  const count = (list: readonly unknown[], one: string): string[] =>
    list.length === 0 ? [] : [`${list.length} ${one}${list.length === 1 ? "" : "s"}`];
  return [
    ...count(services, "service"),
    ...count(gateways, "gateway"),
    ...count(sidecars, "sidecar"),
    ...count(resources, "raw resource"),
  ].join(", ");
}
