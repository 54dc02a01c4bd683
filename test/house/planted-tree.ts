import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));
const bin = (name: string): string => join(ROOT, "node_modules", ".bin", name);

/** A small source tree of its own, held by this repository's real configuration. */
export interface PlantedTree {
  /** `src/core/a.ts` → the rules that oxlint reports in it, e.g. `eslint(no-restricted-imports)`. */
  lint(): Promise<ReadonlyMap<string, readonly string[]>>;
  /** What `tsc -p PROJECT` says, one error a line. */
  compile(project: string): Promise<readonly string[]>;
  remove(): Promise<void>;
}

/** Writes the files (path → text) beside copies of the configuration. */
export async function plantTree(files: Readonly<Record<string, string>>): Promise<PlantedTree> {
  const folder = await mkdtemp(join(tmpdir(), "belay-floors-"));
  const config = [".oxlintrc.json", "package.json", "tsconfig.json", "tsconfig.test.json", "src/core/tsconfig.json"];
  for (const name of config) await cp(join(ROOT, name), join(folder, name));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return {
    lint: () => lint(folder),
    compile: async (project) => (await run(bin("tsc"), ["--pretty", "false", "-p", project], folder)).split("\n"),
    remove: () => rm(folder, { recursive: true }),
  };
}

async function lint(folder: string): Promise<Map<string, string[]>> {
  const report = JSON.parse(await run(bin("oxlint"), ["--format=json", "src"], folder)) as {
    readonly diagnostics: readonly { readonly filename: string; readonly code: string }[];
  };
  const rules = new Map<string, string[]>();
  for (const { filename, code } of report.diagnostics) rules.set(filename, [...(rules.get(filename) ?? []), code]);
  return rules;
}

/** Standard output of a program; what it reports is the result, so its exit code is not looked at. */
function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, maxBuffer: 16 * 1024 * 1024 }, (error, stdout) => {
      if (error !== null && typeof error.code !== "number") reject(error);
      else resolve(stdout.trim());
    });
  });
}
