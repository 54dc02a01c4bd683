import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { findEnvoy } from "../../src/proxy/find-envoy.ts";
import { AdsClient, nodeBytes } from "../wire/ads-client.ts";
import { ROOT } from "./planted-tree.ts";

const MINUTE = 60_000;
const envoy = await findEnvoy();

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

interface Finished {
  readonly code: number;
  readonly output: string;
}

/** Packages that `import "belay"` may load besides its own: what reads and writes Envoy's JSON. */
const LIBRARY_NEEDS = ["@bufbuild/protobuf", "belay"];
/** Its floors: no store, no HTTP, no command line. */
const LIBRARY_FOLDERS = ["control", "core", "envoy", "file", "grpc", "library"];
const AT_THE_TOP = ["CHANGELOG.md", "LICENSE", "README.md", "bin", "dist", "package.json", "proto"];

let folder: string;
let project: string;
let packed: Packed;
/** Programs that a failed test may leave behind. */
const running: ReturnType<typeof spawn>[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-package-"));
  project = join(folder, "project");
  await mkdir(project);
  const { code, output } = await run("npm", ["pack", "--json", "--silent", "--pack-destination", folder], ROOT);
  expect([code, output]).toEqual([0, expect.stringContaining("filename")]);
  // What the build says stands around it.
  [packed] = JSON.parse(/^\[\n.*\n\]$/ms.exec(output)?.[0] ?? "") as [Packed];
  await writeFile(join(project, "package.json"), '{ "private": true, "type": "module" }');
  const tarball = join(folder, packed.filename);
  const flags = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  expect(await run("npm", ["install", ...flags, tarball], project)).toMatchObject({ code: 0 });
}, 5 * MINUTE);
afterAll(async () => {
  for (const child of running) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

describe("what npm pack gives", () => {
  test("is the program, the library and the schemas that they read: no tests, no sources, nothing of an older build", async () => {
    const paths = packed.files.map(({ path }) => path);
    expect(unique(paths.map((path) => path.split("/")[0] ?? ""))).toEqual(AT_THE_TOP);
    const sources = await filesUnder(join(ROOT, "src"), ".ts");
    const built = sources.flatMap((path) => [path.replace(/\.ts$/, ".js"), path.replace(/\.ts$/, ".d.ts")]);
    const api = ["envoy-api-part.binpb", "envoy-api.binpb", "envoy-api.json"];
    const expected = [...built, ...api].map((path) => `dist/${path}`).sort();
    expect(paths.filter((path) => path.startsWith("dist/")).sort()).toEqual(expected);
    const protos = (await filesUnder(join(ROOT, "proto"), ".proto")).map((path) => `proto/${path}`);
    expect(paths.filter((path) => path.startsWith("proto/")).sort()).toEqual(protos.sort());
    expect(paths.filter((path) => path.startsWith("bin/"))).toEqual(["bin/belay"]);
    const kib = (bytes: number): string => `${Math.round(bytes / 1_024)} KiB`;
    process.stdout.write(
      `the package: ${kib(packed.size)}, unpacked ${kib(packed.unpackedSize)}, ${paths.length} files\n`,
    );
    expect(packed.size).toBeLessThan(1_024 * 1_024);
  });
});

describe("installed in an empty project", () => {
  test("there is nothing of what is needed for development only", async () => {
    const { devDependencies } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
      devDependencies: Record<string, string>;
    };
    const lock = await readFile(join(project, "node_modules", ".package-lock.json"), "utf8");
    const installed = Object.keys((JSON.parse(lock) as { packages: object }).packages);
    // They come with packages of others that are needed.
    const shared = ["@types/node", "protobufjs"];
    const unwanted = Object.keys(devDependencies).filter((name) => !shared.includes(name));
    expect(unwanted.filter((name) => installed.includes(`node_modules/${name}`))).toEqual([]);
  });

  test("the command runs: it says its version and its help, checks a mesh file, and shows what an Envoy would get", async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(await run("npx", ["--no-install", "belay", "--version"])).toEqual({ code: 0, output: `${version}\n` });
    expect((await belay("lab", "--help")).output).toMatch(/^Usage: belay lab/);
    const mesh = join(ROOT, "examples", "minimal.yaml");
    expect(await belay("validate", "-f", mesh)).toMatchObject({ code: 0 });
    expect((await belay("render", "-f", mesh)).output).toContain("envoy.config.cluster.v3.Cluster");
    await writeFile(join(project, "bad.yaml"), "services: [{ name: a, ownr: x }]\n");
    const bad = await belay("validate", "-f", "bad.yaml");
    expect(bad).toEqual({ code: 2, output: expect.stringMatching(/^bad\.yaml:1:\d+: /) });
  });

  test("its types stand by themselves, however strictly they are checked, and say what is wrong", async () => {
    await writeFile(join(project, "use.ts"), USE);
    await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: STRICT, files: ["use.ts"] }));
    expect(await run(join(ROOT, "node_modules", ".bin", "tsc"), ["-p", project])).toEqual({ code: 0, output: "" });
    expect(await run(process.execPath, ["use.js"])).toEqual({ code: 0, output: "edge a\n" });
  });

  test("the library loads its own floors and what reads Envoy's JSON: no store, no HTTP, no command line", async () => {
    await writeFile(join(project, "list.mjs"), LIST);
    await writeFile(join(project, "hooks.mjs"), HOOKS);
    await writeFile(join(project, "load.mjs"), 'import "belay";\n');
    const { code, output } = await run(process.execPath, ["--import", "./list.mjs", "load.mjs"]);
    expect(code).toBe(0);
    const loaded = output.split("\n").filter((url) => url.includes("/node_modules/"));
    const inside = loaded.map((url) => url.slice(url.lastIndexOf("/node_modules/") + "/node_modules/".length));
    expect(unique(inside.map((path) => /^(@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? ""))).toEqual(LIBRARY_NEEDS);
    const own = inside.filter((path) => path.startsWith("belay/dist/")).map((path) => path.split("/")[2] ?? "");
    expect(unique(own)).toEqual([...LIBRARY_FOLDERS, "index.js"].sort());
  });

  test("a CommonJS program can require it too", async () => {
    await writeFile(join(project, "use.cjs"), 'console.log(typeof require("belay").XdsServer);\n');
    expect(await run(process.execPath, ["use.cjs"])).toMatchObject({ code: 0, output: "function\n" });
  });

  test("a server of a dozen lines serves an independent client, and ends when it is told to", async () => {
    const { port, next, stop } = await serve();
    const client = new AdsClient(`127.0.0.1:${port}`, "delta");
    client.send({ node: nodeBytes({ id: "n1", cluster: "edge" }), typeUrl: CLUSTER });
    const { nonce, resources } = await client.next();
    expect(resources.map(({ name }) => name)).toEqual(["a"]);
    client.send({ typeUrl: CLUSTER, responseNonce: nonce });
    expect(await next()).toBe('{"acked":["n1"],"refused":[],"pending":[]}');
    client.close();
    expect(await stop()).toBe(0);
  });

  test.skipIf("missing" in envoy)(
    "a real Envoy, started as its command says, takes what that server serves",
    async () => {
      if ("missing" in envoy) return;
      const { port, next, stop } = await serve();
      const { code, output } = await belay(
        "bootstrap",
        "--node",
        "n2",
        "--cluster",
        "edge",
        "--xds",
        `127.0.0.1:${port}`,
      );
      expect(code).toBe(0);
      const config = join(project, "envoy.yaml");
      await writeFile(config, output);
      const proxy = spawn(envoy.path, ["-c", config, "--use-dynamic-base-id", "--concurrency", "1", "-l", "off"]);
      running.push(proxy);
      expect(await next()).toBe('{"acked":["n2"],"refused":[],"pending":[]}');
      proxy.kill("SIGTERM");
      await once(proxy, "exit");
      expect(await stop()).toBe(0);
    },
  );
});

/** No type that does not resolve goes unnoticed, in the package's own files neither. */
const STRICT = {
  module: "nodenext",
  target: "es2023",
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  types: [],
  skipLibCheck: false,
};
const USE = `import { type Convergence, type NackEvent, SnapshotCache, XdsServer, snapshot } from "belay";
const cache = new SnapshotCache({ group: (node) => node.cluster });
const cluster = { "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", name: "a" };
cache.set("edge", snapshot({ resources: [cluster] }));
const server = new XdsServer({ cache, graceMs: 100 });
server.on("nack", ({ node, error }: NackEvent) => console.log(node, error));
// @ts-expect-error: there is no such event
server.on("nak", () => {});
// @ts-expect-error: a group is a name
cache.get(1);
const { port }: { port: number } = await server.listen("127.0.0.1:0");
const { pending }: Convergence = await cache.converged("edge", { timeoutMs: 1 });
await server.close({ graceMs: 100 });
const names: string[] = cache.get("edge")?.names(cluster["@type"]) ?? [];
if (port > 0 && pending.length === 0) console.log(...cache.groups(), ...names);
`;
const HOOKS = `import { writeSync } from "node:fs";
export async function load(url, context, next) {
  writeSync(1, url + "\\n");
  return next(url, context);
}
`;
const LIST = 'import { register } from "node:module";\nregister("./hooks.mjs", import.meta.url);\n';
const SERVE = `import { SnapshotCache, XdsServer, snapshot } from "belay";
const cache = new SnapshotCache({ group: (node) => node.cluster });
const cluster = {
  "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  name: "a",
  connect_timeout: "1s",
  load_assignment: { cluster_name: "a" },
};
cache.set("edge", snapshot({ resources: [cluster] }));
const server = new XdsServer({ cache });
server.on("connect", async () => console.log(JSON.stringify(await cache.converged("edge", { timeoutMs: 30_000 }))));
process.once("SIGTERM", () => server.close({ graceMs: 1_000 }));
console.log((await server.listen("127.0.0.1:0")).port);
`;

/** The server of a dozen lines, in the project. */
async function serve() {
  await writeFile(join(project, "serve.mjs"), SERVE);
  const child = spawn(process.execPath, ["serve.mjs"], { cwd: project, stdio: ["ignore", "pipe", "inherit"] });
  running.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  const port = Number(await next());
  const stop = async (): Promise<number | null> => {
    child.kill("SIGTERM");
    await once(child, "exit");
    return child.exitCode;
  };
  return { port, next, stop };
}

function belay(...args: string[]): Promise<Finished> {
  return run(join(project, "node_modules", ".bin", "belay"), args);
}

function run(command: string, args: readonly string[], cwd = project): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd, timeout: 5 * MINUTE, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr });
    });
  });
}

async function filesUnder(path: string, ending: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true });
  return entries.filter((entry) => entry.endsWith(ending));
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
