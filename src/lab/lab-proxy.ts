import { type RunningEnvoy, runEnvoy } from "../proxy/run-envoy.ts";
import { http2Target, type Target } from "./target.ts";

/** What answers at a gateway's address: an Envoy, or the built-in client where there is none. */
export interface LabProxy {
  readonly id: string;
  readonly target: Target;
  /** Resolves when it has its first configuration. */
  ready(): Promise<void>;
  /** Counters that move when configuration is applied, and do not when what arrives is what was there. */
  applied(): Promise<ReadonlyMap<string, bigint>>;
  /** How many responses it has refused. */
  refused(): Promise<bigint>;
  stop(): Promise<void>;
}

/** Moves when something was applied: an answer that is identical to what was there moves none of these. */
export const APPLIED = [
  "^cluster_manager\\.(cds\\.config_reload|cluster_(added|modified|removed))$",
  "^listener_manager\\.(lds\\.config_reload|listener_(added|modified|in_place_updated|removed))$",
  "^http\\..*\\.rds\\..*\\.config_reload$",
  "^cluster\\.[^.]*\\.membership_change$",
].join("|");

const REFUSED = "^(cluster_manager\\.cds|listener_manager\\.lds|http\\..*\\.rds\\..*|cluster\\..*)\\.update_rejected$";
/** Of the load to each Envoy. */
const CONNECTIONS = 2;

export interface LabEnvoyOptions {
  readonly id: string;
  readonly binary: string;
  readonly bootstrap: Readonly<Record<string, unknown>>;
  readonly dir: string;
  /** Where its gateway will listen. */
  readonly listen: string;
}

/** An Envoy of the lab. It listens at its gateway's address as soon as the control plane has told it to. */
export async function startLabEnvoy(options: LabEnvoyOptions): Promise<LabProxy> {
  const { id, listen } = options;
  const envoy = await runEnvoy({ ...options, concurrency: 1 });
  const target = http2Target(id, `http://${listen}`, CONNECTIONS);
  return {
    id,
    target,
    ready: () => envoy.ready(),
    applied: () => counters(envoy, APPLIED),
    refused: async () => {
      let sum = 0n;
      for (const count of (await counters(envoy, REFUSED)).values()) sum += count;
      return sum;
    },
    stop: async () => {
      target.close();
      await envoy.stop();
    },
  };
}

async function counters(envoy: RunningEnvoy, filter: string): Promise<ReadonlyMap<string, bigint>> {
  const numbers = new Map<string, bigint>();
  for (const [name, value] of await envoy.stats(filter)) if (typeof value === "bigint") numbers.set(name, value);
  return numbers;
}

/** What moved between two readings, `name +n`; empty where nothing did. */
export function moved(before: ReadonlyMap<string, bigint>, after: ReadonlyMap<string, bigint>): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const by = (name: string): bigint => (after.get(name) ?? 0n) - (before.get(name) ?? 0n);
  return names.filter((name) => by(name) !== 0n).map((name) => `${name} ${by(name) > 0n ? "+" : ""}${by(name)}`);
}
