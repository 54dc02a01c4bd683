import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { adminOf, type EnvoyAdmin } from "./admin.ts";
import { leash } from "./leash.ts";

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

export interface RunningEnvoy extends EnvoyAdmin {
  readonly pid: number;
  readonly logFile: string;
  /** How it ended: `exit code 1`, `signal SIGKILL`. Resolves, never rejects. */
  readonly exited: Promise<string>;
  /** Resolves when Envoy says LIVE; rejects with the end of its log when it ends or is not LIVE in time. */
  ready(timeoutMs?: number): Promise<void>;
  /** Ends it in good order, within three seconds. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

const ADMIN_UP_MS = 15_000;
const POLL_MS = 20;

/**
 * Starts an Envoy and resolves once its admin interface can be asked. It never outlives this process.
 *
 * @throws Error with the last lines of Envoy's log when it does not come up
 */
export async function runEnvoy(options: EnvoyOptions): Promise<RunningEnvoy> {
  await mkdir(options.dir, { recursive: true });
  const file = (name: string): string => join(options.dir, name);
  const logFile = file("envoy.log");
  await rm(file("admin-address"), { force: true });
  await writeFile(file("bootstrap.json"), JSON.stringify(options.bootstrap, undefined, 2));
  const child = launch(options, file, logFile);
  const exited = exitOf(child);
  const ended = { how: undefined as string | undefined };
  void exited.then((how) => {
    ended.how = how;
  });
  const check = async (what: string, deadline: number): Promise<void> => {
    if (ended.how !== undefined)
      throw new Error(`Envoy ended (${ended.how}) before ${what}.${await lastLines(logFile)}`);
    if (performance.now() < deadline) return void (await pause(POLL_MS));
    throw new Error(`Envoy did not get so far in time: ${what}.${await lastLines(logFile)}`);
  };
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  const admin = await adminAddress(file("admin-address"), check).catch(async (error: unknown) => {
    await kill();
    throw error;
  });
  return {
    ...adminOf(`http://${admin}`),
    pid: child.pid ?? 0,
    logFile,
    exited,
    kill,
    stop: () => stop(child, exited),
    ready: (timeoutMs = ADMIN_UP_MS) => live(adminOf(`http://${admin}`), check, performance.now() + timeoutMs),
  };
}

type Check = (what: string, deadline: number) => Promise<void>;

function launch(options: EnvoyOptions, file: (name: string) => string, logFile: string): ChildProcess {
  const log = openSync(logFile, "w");
  const args = [
    ...["-c", file("bootstrap.json"), "--admin-address-path", file("admin-address")],
    ...["--disable-hot-restart", "--concurrency", String(options.concurrency ?? 1), "--log-level", "warning"],
    ...["--drain-time-s", "1", "--drain-strategy", "immediate", "--file-flush-interval-msec", "50"],
    ...(options.args ?? []),
  ];
  // A session of its own: a Ctrl-C in the terminal is for us, and we end Envoy in our own order.
  const child = spawn(options.binary, args, { stdio: ["ignore", log, log], detached: true, cwd: options.dir });
  closeSync(log);
  leash(child);
  return child;
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`cannot be run: ${error.message}`));
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
}

async function adminAddress(file: string, check: Check): Promise<string> {
  const deadline = performance.now() + ADMIN_UP_MS;
  for (;;) {
    const address = (await readFile(file, "utf8").catch(() => "")).trim();
    if (address !== "") return address;
    await check("its admin interface was up", deadline);
  }
}

async function live(admin: EnvoyAdmin, check: Check, deadline: number): Promise<void> {
  for (;;) {
    const state = await admin.state();
    if (state === "LIVE") return;
    await check(`it was LIVE (it says ${state === "" ? "nothing" : state})`, deadline);
  }
}

async function stop(child: ChildProcess, exited: Promise<string>): Promise<void> {
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), 3_000);
  await exited;
  clearTimeout(force);
}

async function lastLines(logFile: string): Promise<string> {
  const text = await readFile(logFile, "utf8").catch(() => "");
  const lines = text.trimEnd().split("\n").slice(-8).join("\n  ");
  return lines === "" ? ` Its log is empty (${logFile})` : ` The end of its log:\n  ${lines}`;
}
