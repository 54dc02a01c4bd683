import type { PlanObject, PublishedObject, RevisionDetail, RevisionObject } from "../../http/contract.ts";
import { usage } from "../failure.ts";
import { isStandardInput, readMeshFile } from "../mesh-file.ts";
import { type AskedBody, checkFlags, type MutationFlags, mutate } from "../mutation.ts";
import { planText } from "../plan-text.ts";
import type { Session } from "../session.ts";

export interface ApplyFlags extends MutationFlags {
  readonly file: string;
  readonly stages?: string;
}

/** `belay apply -f F --reason R`: plan, publish, roll out. */
export async function apply(session: Session, flags: ApplyFlags): Promise<number> {
  checkFlags(flags, session, !isStandardInput(flags.file));
  if (flags.stages !== undefined && flags.stages !== "all") {
    throw usage(
      `--stages ${flags.stages}: staged plans come in a later version; what there is: all (one host first, then all)`,
    );
  }
  const { name, text } = await readMeshFile(session, flags.file);
  const body = (asked: AskedBody): object => ({ source: { name, text }, stages: "all", ...asked });
  /** Its status changes while it is rolled out. */
  const asItIsNow = async ({ revision }: PublishedObject): Promise<RevisionObject | null> => {
    if (revision === null) return null;
    const { mesh: _mesh, ...now } = await session.client().get<RevisionDetail>(`/v1/revisions/${revision.n}`);
    return now;
  };
  return mutate(session, {
    flags,
    plan: (asked) => session.client().post<PlanObject>("/v1/plans", body(asked)),
    planText,
    async start(asked) {
      const published = await session.client().post<PublishedObject>("/v1/revisions", body(asked));
      return {
        ...published,
        document: async (rollout) => ({ ...published, rollout, revision: await asItIsNow(published) }),
      };
    },
  });
}
