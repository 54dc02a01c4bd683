import { usage } from "../failure.ts";
import type { Session } from "../session.ts";

export interface LabFlags {
  readonly envoys: string;
  readonly tour?: boolean;
  readonly http?: string;
  readonly xds?: string;
}

const MOST_ENVOYS = 20;

/** `belay lab`: a whole small world on loopback. */
export async function labCommand(_session: Session, flags: LabFlags): Promise<number> {
  const envoys = /^\d{1,2}$/.test(flags.envoys) ? Number(flags.envoys) : 0;
  if (envoys < 1 || envoys > MOST_ENVOYS) throw usage(`--envoys ${flags.envoys}: a number from 1 to ${MOST_ENVOYS}`);
  const { runLab } = await import("../../lab/lab.ts");
  return runLab({
    envoys,
    tour: flags.tour === true,
    ...(flags.http === undefined ? {} : { http: flags.http }),
    ...(flags.xds === undefined ? {} : { xds: flags.xds }),
  });
}
