import { parseWeight } from "../../core/mesh/weights.ts";
import type { PlanObject, RolloutObject } from "../../http/contract.ts";
import { usage } from "../failure.ts";
import { checkFlags, type MutationFlags, mutate } from "../mutation.ts";
import type { Session } from "../session.ts";
import { started } from "../started.ts";

export interface ShiftFlags extends MutationFlags {
  readonly from?: string;
  readonly to?: string;
  readonly steps?: string;
}

const WHOLE = 10_000;

/** `belay shift SERVICE v2=5% …`: one step to exact weights. */
export async function shift(session: Session, flags: ShiftFlags, args: readonly string[]): Promise<number> {
  const [service = "", ...words] = args;
  if (flags.from !== undefined || flags.to !== undefined || flags.steps !== undefined) {
    throw usage(
      `staged plans (--from, --to, --steps) come in a later version; one step to exact weights: belay shift ${service} v2=5%`,
    );
  }
  const weights = weightsIn(service, words);
  checkFlags(flags, session);
  const body = { kind: "shift", service, weights };
  return mutate(session, {
    flags,
    plan: (asked) => session.client().post<PlanObject>("/v1/rollouts", { ...body, ...asked }),
    start: async (asked) => started(await session.client().post<RolloutObject>("/v1/rollouts", { ...body, ...asked })),
  });
}

function weightsIn(service: string, words: readonly string[]): Record<string, number> {
  if (words.length === 0) throw usage(`say which version gets what share: belay shift ${service} v2=5%`);
  const weights = new Map<string, number>();
  for (const word of words) {
    const [, version, text] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    if (version === undefined || text === undefined) throw usage(`"${word}" is not VERSION=SHARE, for example v2=5%`);
    if (weights.has(version)) throw usage(`${version} is given twice`);
    const parsed = parseWeight(text);
    if (!("basisPoints" in parsed)) throw usage(`${version}: ${parsed.message} (${parsed.hint})`);
    weights.set(version, parsed.basisPoints);
  }
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  if (total > WHOLE) throw usage(`the shares make ${total / 100}%, which is more than the whole traffic`);
  return Object.fromEntries(weights);
}
