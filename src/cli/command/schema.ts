import { EXIT } from "../failure.ts";
import type { Session } from "../session.ts";

/** `belay schema`: the JSON Schema of a mesh file, for editors. */
export async function schema(session: Session): Promise<number> {
  const { createMeshReader } = await import("../../file/mesh-reader.ts");
  const document = createMeshReader().jsonSchema();
  session.result(document, `${JSON.stringify(document, undefined, 2)}\n`);
  return EXIT.done;
}
