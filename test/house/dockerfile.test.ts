import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findEnvoy } from "../../src/proxy/find-envoy.ts";
import { type Instruction, parseDockerfile, type Stage } from "./dockerfile.ts";
import { type BuiltStage, buildStages } from "./image-build.ts";
import { ROOT } from "./planted-tree.ts";

// There is no container engine where these tests run: the steps are carried out one by one in a clean folder.

const stages: readonly Stage[] = parseDockerfile(await readFile(join(ROOT, "Dockerfile"), "utf8"));
const final = stages.at(-1) as Stage;
const only = (name: string): Instruction => {
  const [first, second] = final.instructions.filter((step) => step.name === name);
  if (first === undefined || second !== undefined) throw new Error(`not exactly one ${name} in the final stage`);
  return first;
};

describe("the Dockerfile", () => {
  test("pins every base to an exact version, and takes nothing but its own stages", () => {
    for (const { base } of stages)
      expect(base).toMatch(/^(node:20\.\d+\.\d+-bookworm-slim|python:3\.\d+-slim-bookworm)$/);
    const named = new Set(stages.map((stage) => stage.name));
    for (const { flags } of stages.flatMap((stage) => stage.instructions)) {
      if (flags["from"] !== undefined) expect(named).toContain(flags["from"]);
    }
  });

  test("copies only what .dockerignore lets into the context, and that lets nothing else in", async () => {
    const ignore = (await readFile(join(ROOT, ".dockerignore"), "utf8")).split("\n");
    const allowed = ignore.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
    const copied = stages.flatMap(({ instructions }) =>
      instructions
        .filter((step) => step.name === "COPY" && step.flags["from"] === undefined)
        .flatMap((step) => step.args.slice(0, -1)),
    );
    expect(ignore).toContain("*");
    expect([...new Set(copied)].sort()).toEqual(allowed.sort());
  });

  test("runs as a user that is not root, writes to /data only, and serves by default", () => {
    const names = final.instructions.map((step) => step.name);
    expect(only("USER").text).toBe("node");
    expect(names.indexOf("USER")).toBeGreaterThan(names.lastIndexOf("RUN"));
    expect(only("VOLUME").text).toBe("/data");
    expect(only("ENTRYPOINT").args).toEqual(["/app/bin/belay"]);
    expect(only("CMD").args).toEqual(["serve", "--data", "/data", "--http", "0.0.0.0:7070", "--xds", "0.0.0.0:18000"]);
    expect(only("HEALTHCHECK").args[0]).toBe("node");
  });
});

describe("the image, its steps carried out in a clean folder", () => {
  let folder: string;
  let image: BuiltStage;

  beforeAll(async () => {
    const envoy = await findEnvoy();
    folder = await mkdtemp(join(tmpdir(), "belay-image-"));
    await chmod(folder, 0o755);
    const place = { folder, context: ROOT, ...("path" in envoy ? { envoy: envoy.path } : {}) };
    image = (await buildStages(place, stages)).get("") as BuiltStage;
  }, 300_000);
  afterAll(async () => {
    for (const child of running) child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });

  test("holds the program and what it needs at run time, nothing for development and no sources", async () => {
    expect((await readdir(image.workdir)).sort()).toEqual(["bin", "dist", "node_modules", "package.json", "proto"]);
    const installed = await readFile(join(image.workdir, "node_modules", ".package-lock.json"), "utf8");
    const packages = Object.entries(
      (JSON.parse(installed) as { packages: Record<string, { dev?: boolean }> }).packages,
    );
    expect(packages.length).toBeGreaterThan(10);
    expect(packages.filter(([, entry]) => entry.dev === true)).toEqual([]);
    expect(await readdir(join(image.workdir, "node_modules"))).not.toContain("typescript");
    expect(await readdir(join(image.workdir, "dist"))).toContain("envoy-api.binpb");
    expect(image.owners).toContain("node:node");
  });

  test("holds the library with its types, for a project that has nothing else", async () => {
    const project = join(folder, "project");
    await mkdir(join(project, "node_modules"), { recursive: true });
    await symlink(image.workdir, join(project, "node_modules", "belay"));
    await writeFile(join(project, "package.json"), '{ "type": "module" }');
    await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: CONSUMER, include: ["use.ts"] }));
    await writeFile(join(project, "use.ts"), USE);
    const compiled = await outputOf(join(ROOT, "node_modules", ".bin", "tsc"), ["-p", project]);
    expect(compiled).toEqual({ code: 0, output: "" });
    expect(await outputOf(process.execPath, [join(project, "use.js")])).toEqual({ code: 0, output: "edge a\n" });
  });

  test("serves, and its health check tells alive from dead, as a user who can write to the data folder only", async () => {
    const as = await otherUser(image);
    const { child, http } = await startServer(image, as);
    const check = only("HEALTHCHECK").args;
    expect(await exitCodeOf(check, http)).toBe(0);
    child.kill("SIGTERM");
    await once(child, "exit");
    expect(child.exitCode).toBe(0);
    expect(await exitCodeOf(check, http)).toBe(1);
    expect(await readdir(join(image.root, "data"))).toContain("belay.db");
  });
});

/** As strict as a user's project can be, so that types which do not resolve show. */
const CONSUMER = { module: "nodenext", target: "es2023", strict: true, types: [], skipLibCheck: true };
const USE = `import { SnapshotCache, snapshot } from "belay";
const cache = new SnapshotCache({ group: (node) => node.cluster });
const cluster = { "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", name: "a" };
cache.set("edge", snapshot({ resources: [cluster] }));
// @ts-expect-error: a group is a name
cache.get(1);
const names: string[] = cache.get("edge")?.names(cluster["@type"]) ?? [];
console.log(...cache.groups(), ...names);
`;

/** Servers that a failed test may leave behind. */
const running: ChildProcess[] = [];

interface User {
  readonly uid?: number;
  readonly gid?: number;
}

const NOBODY = 65_534;

/** Read-only for all, and where we are root another user, whom that binds. */
async function otherUser(image: BuiltStage): Promise<User> {
  await run("chmod", ["-R", "a-w,a+rX", image.workdir]);
  if (process.getuid?.() !== 0) return {};
  await run("chown", [`${NOBODY}:${NOBODY}`, join(image.root, "data")]);
  return { uid: NOBODY, gid: NOBODY };
}

/** ENTRYPOINT and CMD with the addresses of a test; resolves with the HTTP port once the server says it. */
async function startServer(image: BuiltStage, as: User) {
  const [entry = ""] = only("ENTRYPOINT").args;
  const args = ["serve", "--data", join(image.root, "data"), "--http", "127.0.0.1:0", "--xds", "127.0.0.1:0"];
  const env = { PATH: process.env["PATH"], ...image.env };
  const child = spawn(join(image.root, entry), args, { ...as, env, cwd: image.workdir });
  running.push(child);
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString("utf8");
  });
  const address = /http:\/\/127\.0\.0\.1:(\d+)/;
  while (!address.test(said)) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the server ended (${child.exitCode ?? child.signalCode}):\n${said}`);
    await Promise.race([once(child.stderr, "data"), once(child, "exit")]);
  }
  return { child, http: address.exec(said)?.[1] ?? "" };
}

function exitCodeOf(check: readonly string[], port: string): Promise<number> {
  const [command = "", ...args] = check.map((part) => part.replace("7070", port));
  return run(command, args);
}

async function run(command: string, args: readonly string[]): Promise<number> {
  return (await outputOf(command, args)).code;
}

function outputOf(command: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(command, args, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
  });
}

test("bin/belay can be executed as it stands in the repository", async () => {
  expect((await stat(join(ROOT, "bin", "belay"))).mode & 0o111).toBe(0o111);
});
