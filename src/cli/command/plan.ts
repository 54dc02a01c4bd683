import type { PlanObject } from "../../http/contract.ts";
import { EXIT } from "../failure.ts";
import { readMeshFile } from "../mesh-file.ts";
import { planText } from "../plan-text.ts";
import type { Session } from "../session.ts";

export interface PlanFlags {
  readonly file: string;
}

/** `belay plan -f F`: what applying it would change. */
export async function plan(session: Session, { file }: PlanFlags): Promise<number> {
  const { name, text } = await readMeshFile(session, file);
  const body = { source: { name, text }, by: session.io.user };
  const found = await session.client().post<PlanObject>("/v1/plans", body);
  session.result(found, planText(found));
  return EXIT.done;
}
