import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { ROOT } from "./planted-tree.ts";

/** This repository's scripts in a checkout where all that they call is a stand-in, so that only the scripts are tested. */
export interface SmallCheckout {
  readonly root: string;
  /** Environment in which `python3`, `python` and `npm` are the stand-ins of `tools`. */
  readonly env: NodeJS.ProcessEnv;
  write(path: string, text: string): Promise<void>;
  /** Lines that the stand-ins have written, oldest first: what was called, with what. */
  calls(): Promise<readonly string[]>;
  run(script: string, args?: readonly string[], env?: NodeJS.ProcessEnv): Promise<Finished>;
  start(script: string, args?: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess;
  remove(): Promise<void>;
}

/** A script that has ended. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const LOCK = {
  packages: {
    "": {},
    "node_modules/typescript": { version: "7.0.2" },
    "node_modules/elsewhere": { version: "1.0.0", optional: true },
  },
};
const ENVOY = `#!/bin/sh\necho "envoy  version: 9e55/1.40.0/Clean/RELEASE/BoringSSL"\n`;
const note = (what: string): string => `#!/bin/sh\necho "${what} $*" >> "$CALLS"\n`;
/** The compiler's stand-in is run by node, so it is JavaScript. */
const TSC = `
const { appendFileSync, existsSync, mkdirSync, writeFileSync } = require("node:fs");
appendFileSync(process.env.CALLS, "tsc\\n");
if (existsSync("break-the-build")) { console.log("src/a.ts(1,1): error TS1: planted"); process.exit(2); }
mkdirSync("dist", { recursive: true });
writeFileSync("dist/index.js", "");
`;

/** Makes one, with its packages installed and an Envoy in ENVOY_BIN. */
export async function smallCheckout(): Promise<SmallCheckout> {
  const root = await mkdtemp(join(tmpdir(), "belay-checkout-"));
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
    if (text.startsWith("#!")) await chmod(join(root, path), 0o755);
  };
  await cp(join(ROOT, "scripts"), join(root, "scripts"), { recursive: true });
  await rm(join(root, "scripts", "build-schema.mjs"), { force: true });
  await write("package.json", '{ "type": "module" }');
  await write("package-lock.json", JSON.stringify(LOCK));
  await write("node_modules/.package-lock.json", JSON.stringify(LOCK));
  await write("node_modules/typescript/package.json", "{}");
  await write("node_modules/typescript/bin/tsc", TSC);
  await write("src/index.ts", "export {};\n");
  await write("envoy", ENVOY);
  await write("tools/python3", `${note("python3")}exit 1\n`);
  await write("tools/python", `${note("python")}exit 1\n`);
  await write("tools/npm", note("npm"));
  const env = {
    CALLS: join(root, "calls"),
    ENVOY_BIN: join(root, "envoy"),
    PATH: [join(root, "tools"), dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter),
  };
  const start = (script: string, args: readonly string[] = [], more: NodeJS.ProcessEnv = {}): ChildProcess =>
    spawn(process.execPath, [join(root, "scripts", script), ...args], { env: { ...env, ...more }, cwd: root });
  return {
    root,
    env,
    write,
    calls: async () => (await readFile(env.CALLS, "utf8").catch(() => "")).split("\n").filter((line) => line !== ""),
    run: (script, args, more) => finish(start(script, args, more)),
    start,
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** Waits for a program's end and collects what it said. */
export async function finish(child: ChildProcess): Promise<Finished> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk.toString("utf8");
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("utf8");
  });
  await once(child, "close");
  return { code: child.exitCode, stdout, stderr };
}
