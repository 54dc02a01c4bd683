import { z } from "zod";
import type { LocatedProblem, ReadMesh } from "../control/mesh-reader.ts";
import { formatPath, type Problem } from "../core/failure/problem.ts";
import { checkMesh } from "../core/mesh/check.ts";
import { MESH_TEXT_LIMIT } from "../core/mesh/limit.ts";
import type { Mesh } from "../core/mesh/mesh.ts";
import { buildMesh } from "./build.ts";
import { problemsOf } from "./issues.ts";
import { plainProblems } from "./plain.ts";
import { meshFile } from "./schema.ts";
import { type ParsedText, parseText } from "./text.ts";

/** Problems that are looked up in the text: of an arbitrary file it is enough to say that there are more. */
const LOOKED_UP = 1_000;

/** Problems that are reported at once; whoever has more mends these first. */
const PROBLEM_LIMIT = 100;

/** Something to read, or problems to find the places of. It can be handed to another thread. */
export type Reading =
  | { readonly kind: "text"; readonly text: string; readonly name: string }
  | { readonly kind: "value"; readonly value: unknown };

/** A mesh out of a text or of plain values. Nothing that it is given makes it throw; how long it takes is another matter. */
export function readMesh(reading: Reading): ReadMesh {
  return reading.kind === "text" ? readText(reading.text, reading.name) : readValue(reading.value);
}

/** The JSON Schema of a mesh file. */
export function meshJsonSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(meshFile, { io: "input", target: "draft-7" });
}

/**
 * A problem as one line for standard error: `FILE:LINE:COL: message (hint)`, or `path: message (hint)` for
 * what did not come from a file.
 */
export function formatProblem(problem: LocatedProblem): string {
  const { file, line, column, path, message, hint } = problem;
  const where = file === undefined ? path : `${file}${line === undefined ? "" : `:${line}:${column ?? 1}`}`;
  return `${where}: ${message}${hint === undefined ? "" : ` (${hint})`}`;
}

type Read = { readonly mesh: Mesh } | { readonly problems: readonly Problem[] };

function meshOf(value: unknown): Read {
  const plain = plainProblems(value);
  if (plain.length > 0) return { problems: plain };
  const parsed = meshFile.safeParse(value);
  if (!parsed.success) return { problems: problemsOf(parsed.error.issues, value) };
  const built = buildMesh(parsed.data);
  const problems = [...built.problems, ...checkMesh(built.mesh)];
  return problems.length > 0 ? { problems } : { mesh: built.mesh };
}

function readValue(value: unknown): ReadMesh {
  const read = meshOf(value);
  return "mesh" in read ? read : { problems: placed(read.problems) };
}

function readText(text: string, name: string): ReadMesh {
  const unreadable = textRefusal(text, name);
  if (unreadable !== undefined)
    return { problems: [{ path: "(document)", file: name, line: 1, column: 1, ...unreadable }] };
  const parsed = parseText(text);
  if ("problems" in parsed) {
    return { problems: capped(parsed.problems.map((problem) => ({ path: "(document)", file: name, ...problem }))) };
  }
  const read = meshOf(parsed.value);
  return "mesh" in read ? read : { problems: placed(read.problems, name, parsed) };
}

function textRefusal(text: string, name: string): Omit<Problem, "path"> | undefined {
  if (/\.[cm]?[jt]sx?$/i.test(name)) {
    return {
      message: "mesh files in TypeScript are not read yet",
      hint: "write it as YAML or JSON",
      code: "typescript-mesh",
    };
  }
  if (text.length <= MESH_TEXT_LIMIT && utf8Length(text) <= MESH_TEXT_LIMIT) return undefined;
  return { message: "the file is larger than 16 MiB", code: "too-large" };
}

function utf8Length(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

/** Puts places to problems that were found later, by compiling. */
export function locateProblems(problems: readonly Problem[], text?: string, name?: string): readonly LocatedProblem[] {
  const parsed = text === undefined ? undefined : parseText(text);
  return placed(problems, name, parsed !== undefined && "place" in parsed ? parsed : undefined);
}

function placed(problems: readonly Problem[], name?: string, text?: ParsedText): readonly LocatedProblem[] {
  const located = problems.slice(0, LOOKED_UP).map((problem): LocatedProblem => {
    const { path, message, hint, code } = problem;
    const place = text?.place(path, isAboutKey(problem));
    return {
      path: formatPath(path),
      ...(name === undefined ? {} : { file: name }),
      ...place,
      message,
      ...(hint === undefined ? {} : { hint }),
      code,
    };
  });
  return capped(text === undefined ? located : located.sort(byPlace), problems.length);
}

const ABOUT_KEYS: ReadonlySet<string> = new Set(["unknown-key", "bad-version-name", "bad-header", "bad-query"]);

/** Is what is wrong the key itself, and not what it has? */
function isAboutKey({ code, path }: Problem): boolean {
  return ABOUT_KEYS.has(code) || (code === "unknown-version" && path.at(-2) === "traffic");
}

function byPlace(a: LocatedProblem, b: LocatedProblem): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

function capped(problems: readonly LocatedProblem[], count = problems.length): readonly LocatedProblem[] {
  const more = count - PROBLEM_LIMIT;
  const last = problems[PROBLEM_LIMIT - 1];
  if (more <= 0 || last === undefined) return problems;
  const { hint: _, ...place } = last;
  return [
    ...problems.slice(0, PROBLEM_LIMIT),
    { ...place, message: `${more} more problems are not shown`, code: "more-problems" },
  ];
}
