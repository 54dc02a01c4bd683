import { execFile } from "node:child_process";
import { chmod, cp, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, delimiter, join } from "node:path";
import type { Instruction, Stage } from "./dockerfile.ts";

const MINUTES = 60_000;
/** Folders of the image that steps name; each stage has its own in place of them. */
const IMAGE_FOLDERS = /(^|[\s=:"'])\/(src|app|data|envoy|usr\/local\/bin)(?=$|[\s/"':])/g;

/** A stage whose steps have been carried out in a folder that stands for its root. */
export interface BuiltStage {
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  /** Owners that steps asked for, e.g. `node:node /data`: the users of the image do not exist here. */
  readonly owners: string;
}

export interface ImageBuild {
  readonly folder: string;
  /** The build context: this repository. */
  readonly context: string;
  /** An Envoy that is here already; without one the step that fetches it is carried out as it stands. */
  readonly envoy?: string;
}

/** Carries the steps of the stages out one by one, in order. Standard streams of steps are shown only if one fails. */
export async function buildStages(
  build: ImageBuild,
  stages: readonly Stage[],
): Promise<ReadonlyMap<string, BuiltStage>> {
  const built = new Map<string, BuiltStage>();
  for (const stage of stages) built.set(stage.name, await buildStage(build, stage, built));
  return built;
}

async function buildStage(
  build: ImageBuild,
  stage: Stage,
  built: ReadonlyMap<string, BuiltStage>,
): Promise<BuiltStage> {
  const root = join(build.folder, stage.name === "" ? "final" : stage.name);
  await prepareRoot(root);
  let now: BuiltStage = { root, workdir: root, env: {}, user: "root", owners: "" };
  for (const step of stage.instructions) {
    if (step.name === "WORKDIR") now = { ...now, workdir: join(root, step.text) };
    else if (step.name === "ENV") now = { ...now, env: { ...now.env, ...Object.fromEntries([step.text.split("=")]) } };
    else if (step.name === "USER") now = { ...now, user: step.text };
    else if (step.name === "COPY") await copy(build, step, now, built);
    else if (step.name === "RUN") await carryOut(build, step, now);
    await mkdir(now.workdir, { recursive: true });
  }
  return { ...now, owners: await readFile(join(root, "owners"), "utf8").catch(() => "") };
}

async function prepareRoot(root: string): Promise<void> {
  await mkdir(join(root, "stand-ins"), { recursive: true });
  await mkdir(join(root, "usr", "local", "bin"), { recursive: true });
  const chown = join(root, "stand-ins", "chown");
  await writeFile(chown, `#!/bin/sh\necho "$*" >> "${root}/owners"\n`);
  await chmod(chown, 0o755);
}

/** COPY: a folder's contents go into the target, a file goes into a target that ends with a slash. */
async function copy(
  build: ImageBuild,
  step: Instruction,
  now: BuiltStage,
  built: ReadonlyMap<string, BuiltStage>,
): Promise<void> {
  const from = step.flags["from"];
  const base = from === undefined ? build.context : built.get(from)?.root;
  if (base === undefined) throw new Error(`COPY names the stage ${from}, which is not there`);
  const sources = step.args.slice(0, -1);
  const target = step.args.at(-1) ?? "";
  const folder = target.startsWith("/") ? join(now.root, target) : join(now.workdir, target);
  for (const source of sources) {
    const path = join(base, source);
    const into = (await stat(path)).isFile() && target.endsWith("/") ? join(folder, basename(source)) : folder;
    await cp(path, into, { recursive: true, verbatimSymlinks: true });
  }
}

/** RUN, in the stage's folder; the fetching of the Envoy that is here already is a copy. */
async function carryOut(build: ImageBuild, step: Instruction, now: BuiltStage): Promise<void> {
  if (build.envoy !== undefined && /\bpip install\b/.test(step.text)) {
    await mkdir(join(now.root, "envoy", "envoy", "_bin"), { recursive: true });
    await cp(build.envoy, join(now.root, "envoy", "envoy", "_bin", "envoy"));
    return;
  }
  const command = step.text.replaceAll(
    IMAGE_FOLDERS,
    (_, before: string, folder: string) => `${before}${now.root}/${folder}`,
  );
  const tools = [join(now.root, "stand-ins"), join(now.root, "usr", "local", "bin"), process.env["PATH"]];
  const env = { PATH: tools.join(delimiter), HOME: process.env["HOME"], ...now.env };
  await new Promise<void>((resolve, reject) => {
    execFile("sh", ["-c", command], { cwd: now.workdir, env, timeout: 5 * MINUTES }, (error, stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error(`RUN ${step.text}\n${stdout}${stderr}`, { cause: error }));
    });
  });
}
