import type { World } from "./world.ts";

/** What the lab knows of itself and shows. */
export interface Lab {
  readonly world: World;
  /** `2 Envoys 1.40.0`. */
  readonly fleet: string;
  readonly rate: number;
  /** What commands need so as to reach this control plane: nothing, or `--server URL`. */
  readonly serverArgs: readonly string[];
  /** Aborted when a person or the system ends the lab. */
  readonly signal: AbortSignal;
}
