import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { adminOf, type EnvoyAdmin } from "./admin.ts";
import { type Child, startChild } from "./child.ts";

export interface EnvoyOptions {
  readonly binary: string;
  /** Envoy's own JSON; with `admin` on port 0 the port is learnt from Envoy. */
  readonly bootstrap: Readonly<Record<string, unknown>>;
  /** A folder for this Envoy's files; made if need be. */
  readonly dir: string;
  readonly concurrency?: number;
  /** More flags, after ours. */
  readonly args?: readonly string[];
}

export interface RunningEnvoy extends EnvoyAdmin, Child {
  /** Resolves when Envoy says LIVE; rejects with the end of its log when it ends or is not LIVE in time. */
  ready(timeoutMs?: number): Promise<void>;
}

const UP_MS = 15_000;
const DRAIN_AT_ONCE = "--drain-time-s 1 --drain-strategy immediate --file-flush-interval-msec 50";

/**
 * Starts an Envoy and resolves once its admin interface can be asked. It never outlives this process.
 *
 * @throws Error with the last lines of Envoy's log when it does not come up
 */
export async function runEnvoy(options: EnvoyOptions): Promise<RunningEnvoy> {
  const { binary, dir, concurrency = 1, args = [] } = options;
  const bootstrap = join(dir, "bootstrap.json");
  const addressFile = join(dir, "admin-address");
  await mkdir(dir, { recursive: true });
  await rm(addressFile, { force: true });
  await writeFile(bootstrap, JSON.stringify(options.bootstrap, undefined, 2));
  const files = ["-c", bootstrap, "--admin-address-path", addressFile];
  const flags = `--disable-hot-restart --concurrency ${concurrency} --log-level warning ${DRAIN_AT_ONCE}`.split(" ");
  const logFile = join(dir, "envoy.log");
  const child = startChild({ name: "Envoy", command: binary, args: [...files, ...flags, ...args], cwd: dir, logFile });
  try {
    const address = await child.until("its admin interface was up", UP_MS, () => readAddress(addressFile));
    const admin = adminOf(`http://${address}`);
    return { ...child, ...admin, ready: (timeoutMs = UP_MS) => live(child, admin, timeoutMs) };
  } catch (error) {
    await child.kill();
    throw error;
  }
}

async function readAddress(file: string): Promise<string | undefined> {
  const text = (await readFile(file, "utf8").catch(() => "")).trim();
  return text === "" ? undefined : text;
}

async function live(child: Child, admin: EnvoyAdmin, timeoutMs: number): Promise<void> {
  await child.until("it was LIVE", timeoutMs, async () => ((await admin.state()) === "LIVE" ? true : undefined));
}
