import { groupFor } from "../../control/groups.ts";
import type { NodeIdentity } from "../../core/node/node.ts";
import { shortTypeName } from "../../core/resource/type-url.ts";
import { type CompiledGroup, compileFile } from "../compiled.ts";
import { EXIT, usage } from "../failure.ts";
import { readMeshFile } from "../mesh-file.ts";
import type { Session } from "../session.ts";

export interface RenderFlags {
  readonly file: string;
  readonly node?: string;
}

/** `belay render -f F [--node C]`: what Envoys would get, in Envoy's own words. */
export async function render(session: Session, { file, node }: RenderFlags): Promise<number> {
  const read = await readMeshFile(session, file);
  const only = node === undefined ? undefined : nodeCalled(node);
  const group = only === undefined ? undefined : groupFor(read.mesh, only);
  if (only !== undefined && group === undefined) {
    throw usage(`nothing in ${read.name} is for an Envoy of the cluster "${node}"`);
  }
  const { codec, groups } = await compileFile(read, only);
  const shown = groups
    .filter(({ name }) => group === undefined || name === group.name)
    .map(({ name, resources }: CompiledGroup) => ({
      group: name,
      resources: resources.map(({ typeUrl, name: resource, version, bytes }) => ({
        typeUrl,
        name: resource,
        version,
        config: codec.decodeRedacted(typeUrl, bytes),
      })),
    }));
  const { stringify } = await import("yaml");
  const parts = shown.flatMap(({ group: name, resources }) =>
    resources.map((one) => `# group ${name}: ${shortTypeName(one.typeUrl)} ${one.name}\n${stringify(one.config)}`),
  );
  session.result({ groups: shown }, parts.join("---\n"));
  return EXIT.done;
}

function nodeCalled(cluster: string): NodeIdentity {
  return { id: cluster, cluster, labels: {}, zone: "", envoyVersion: "" };
}
