import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, startChild } from "../proxy/child.ts";
import { leash } from "../proxy/leash.ts";
import { isReady } from "./api.ts";

const BELAY = fileURLToPath(new URL("../../bin/belay", import.meta.url));
const READY_MS = 20_000;

export interface ServeOptions {
  /** The store and the log are in it. */
  readonly dir: string;
  readonly mesh: string;
  /** `127.0.0.1:PORT`, both. */
  readonly xds: string;
  readonly http: string;
}

/** A control plane in a process of its own, so that it can be killed as it is killed in life. */
export interface ControlPlaneProcess {
  readonly url: string;
  readonly pid: () => number;
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it on the same store and addresses; resolves when it is ready. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts `belay serve` and resolves when it is ready. */
export async function startControlPlane(options: ServeOptions): Promise<ControlPlaneProcess> {
  const { dir, mesh, xds, http } = options;
  const url = `http://${http}`;
  const args = [BELAY, "serve", "--data", join(dir, "data"), "--mesh", mesh, "--xds", xds, "--http", http];
  const logFile = join(dir, "belay.log");
  const launch = (): Child =>
    startChild({ name: "The control plane", command: process.execPath, args, cwd: dir, logFile });
  let child = launch();
  const ready = async (): Promise<void> => {
    // Its own word first: in the time that it was away another one may have taken the address.
    const check = async (): Promise<boolean> => (await isServing(logFile)) && (await isReady(url));
    await child.until("it was ready", READY_MS, async () => ((await check()) ? true : undefined));
  };
  const process_: ControlPlaneProcess = {
    url,
    pid: () => child.pid,
    kill: () => child.kill(),
    start: async () => {
      child = launch();
      await ready();
    },
    stop: () => child.stop(),
  };
  await ready().catch(async (error: unknown) => {
    await child.kill();
    throw error;
  });
  return process_;
}

/** It says so once it has its addresses. */
async function isServing(logFile: string): Promise<boolean> {
  return (await readFile(logFile, "utf8")).includes("belay is serving");
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `bin/belay` as a person would, to its end. */
export function runBelay(args: readonly string[]): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NO_COLOR: "1" };
    const child = spawn(process.execPath, [BELAY, ...args], { stdio: ["ignore", "pipe", "pipe"], detached: true, env });
    leash(child);
    const out = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => {
      out.stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      out.stderr += chunk.toString();
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, ...out }));
  });
}

/** The command as a person would type it: what needs quotes is quoted. */
export function commandLine(args: readonly string[]): string {
  return ["bin/belay", ...args.map((arg) => (/^[\w@%./:=-]+$/.test(arg) ? arg : JSON.stringify(arg)))].join(" ");
}
