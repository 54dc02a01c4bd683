import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freeAddress } from "../../src/lab/addresses.ts";
import { findEnvoy } from "../../src/proxy/find-envoy.ts";
import { eventually } from "../envoy/harness.ts";
import { ROOT, startBelay } from "./lab-process.ts";

const envoy = await findEnvoy();
const readme = await readFile(join(ROOT, "README.md"), "utf8");
const manifest = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
  scripts: Readonly<Record<string, string>>;
};

/** The commands of the README's console, in their order. */
const commands = [...(/```console\n([\s\S]*?)```/.exec(readme)?.[1] ?? "").matchAll(/^\$ (.+)$/gm)].map(
  (match) => match[1] ?? "",
);
const npmCommands = [...readme.matchAll(/\bnpm (?:run )?(start|test|ci|[a-z]+)\b/g)].map((match) => match[1] ?? "");

let dir: string;
let running: ChildProcess[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "belay-readme-"));
  running = [];
  for (const name of ["bin", "dist", "proto", "examples", "node_modules", "package.json"]) {
    await symlink(join(ROOT, name), join(dir, name));
  }
});

afterEach(async () => {
  for (const child of running.reverse()) {
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
  await rm(dir, { recursive: true, force: true });
});

function start(command: string, env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn("sh", ["-c", `exec ${command}`], { cwd: dir, env: { ...process.env, ...env }, stdio: "pipe" });
  running.push(child);
  return child;
}

async function run(command: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn("sh", ["-c", command], { cwd: dir, env: { ...process.env, ...env }, stdio: "pipe" });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, "close")) as [number];
  expect(`${command}: ${code}\n${code === 0 ? "" : said}`).toBe(`${command}: 0\n`);
  return said;
}

describe("the README", () => {
  test("shows no npm script that there is not", () => {
    const known = new Set(["ci", "run", ...Object.keys(manifest.scripts)]);
    expect(npmCommands.filter((name) => !known.has(name))).toEqual([]);
    expect(npmCommands).toEqual(expect.arrayContaining(["start", "test"]));
  });

  test("keeps its first screen within 40 lines", () => {
    expect(readme.split("\n").findIndex((line) => line.startsWith("`npm start -- --tour`"))).toBeLessThan(40);
  });

  test("shows the mesh that stands in examples/", async () => {
    const shown = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
    const lines = (text: string): string[] =>
      text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
    expect(lines(await readFile(join(ROOT, "examples/minimal.yaml"), "utf8"))).toEqual(lines(shown));
  });
});

describe.skipIf("missing" in envoy)("the README's commands, with a real Envoy", () => {
  test("work one after the other as they stand", async () => {
    const [http, xds] = [await freeAddress(), await freeAddress()];
    const env = { BELAY_SERVER: `http://${http}` };
    expect(commands.length).toBeGreaterThan(10);
    for (const command of commands) {
      if (command.startsWith("npm ")) continue; // the two-commands test runs these in a checkout of their own
      if (command.startsWith("bin/belay serve")) {
        start(`${command} --http ${http} --xds ${xds}`, env);
        await eventually(
          () =>
            fetch(`http://${http}/readyz`).then(
              (answer) => answer.ok,
              () => false,
            ),
          "it is ready",
        );
      } else if (command.includes("/envoy ") && "path" in envoy) {
        start(command.replace(/^\S+/, envoy.path) + " --use-dynamic-base-id --concurrency 1 --log-level off", env);
        const inSync = async (): Promise<boolean> => (await run("bin/belay fleet", env)).includes("in sync");
        await eventually(inSync, "the Envoy is in sync");
      } else await run(command, env);
    }
  }, 90_000);

  test("include a tour whose story is told as it goes", async () => {
    const [http, xds] = [await freeAddress(), await freeAddress()];
    const { stdout, ended } = startBelay(["lab", "--tour", "--http", http, "--xds", xds]);
    expect(await ended).toBe(0);
    const shown = /\$ npm start -- --tour\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
    const shape = (text: string): string[] =>
      text
        .split("\n")
        .map((line) =>
          line
            .replaceAll(/ --server \S+/g, "")
            .replaceAll(/http:\S+|\S*\/bad\.yaml|\d[\d,.]*/g, "N")
            .replaceAll(/[Ee]dge-N/g, "edge")
            .replaceAll(/ +/g, " ")
            .trim(),
        )
        .filter((line) => line !== "");
    expect(shape(stdout())).toEqual(shape(shown));
  }, 120_000);
});
