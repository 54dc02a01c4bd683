import {
  Composer,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  type YAMLError,
} from "yaml";
import type { Problem } from "../core/failure/problem.ts";
import { tooDeepAt } from "./depth.ts";
import { quote } from "./said.ts";

/** A place in a text, 1-based. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A mistake in the text itself, where there is no path yet. */
export type TextProblem = Omit<Problem, "path"> & Place;

/** What a text says, and where it says it. */
export interface ParsedText {
  readonly value: unknown;
  /** Where the part with this path stands, or its key; of a part that is missing, where what should have it stands. */
  place(path: readonly (string | number)[], atKey: boolean): Place;
}

/** References to anchors that are expanded: more is a bomb, not a mesh. */
const ALIAS_LIMIT = 1_000;

/** Reads one YAML or JSON document. */
export function parseText(text: string): ParsedText | { readonly problems: readonly TextProblem[] } {
  const lines = new LineCounter();
  const at = (offset: number): Place => placeOf(lines, offset);
  const tokens = guarded(() => [...new Parser(lines.addNewLine).parse(text)]);
  if ("problem" in tokens) return { problems: [tokens.problem] };
  const deep = tooDeepAt(tokens.value);
  if (deep !== undefined) return { problems: [{ ...at(deep), ...TOO_DEEP }] };
  const parsed = guarded(() => [...new Composer(OPTIONS).compose(tokens.value)]);
  if ("problem" in parsed) return { problems: [parsed.problem] };
  const [document, second] = parsed.value;
  if (document === undefined) return { problems: [{ ...at(0), ...EMPTY }] };
  const errors = [document, second].flatMap((each) => (each === undefined ? [] : [...each.errors, ...each.warnings]));
  if (errors.length > 0) return { problems: onePerPlace(errors.map((error) => textProblem(error, at(error.pos[0])))) };
  if (second !== undefined) return { problems: [{ ...at(second.range[0]), ...SECOND_DOCUMENT }] };
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) {
    return { problems: [{ ...at(0), ...EMPTY }] };
  }
  const nodes = nodeProblems(contents, at);
  if (nodes.length > 0) return { problems: nodes };
  const value = guarded(() => document.toJS({ maxAliasCount: ALIAS_LIMIT }) as unknown);
  if ("problem" in value) return { problems: [value.problem] };
  return { value: value.value, place: (path, atKey) => at(offsetOf(document, path, atKey)) };
}

/** Keys are compared by `nodeProblems`, which takes a Set for what the library does in the square of their number. */
const OPTIONS = { prettyErrors: false, uniqueKeys: false, version: "1.2" } as const;

const EMPTY = {
  message: "the file is empty",
  hint: "a mesh has at least one service or resource",
  code: "empty-file",
} as const;
const TOO_DEEP = { message: "the file is nested too deeply", code: "too-deep" } as const;
const SECOND_DOCUMENT = {
  message: "a second document begins here",
  hint: "a mesh file is one document",
  code: "second-document",
} as const;

/** The parser throws for what is nested too deep and for alias bombs; both are mistakes of the writer. */
function guarded<T>(read: () => T): { value: T } | { problem: TextProblem } {
  try {
    return { value: read() };
  } catch (error) {
    const start = { line: 1, column: 1 };
    if (error instanceof RangeError) return { problem: { ...start, ...TOO_DEEP } };
    return { problem: { ...start, message: "aliases repeat far too much of the file", code: "alias" } };
  }
}

/**
 * Keys that are given twice and aliases of nothing. Keys become what is written: `1.10` and `1.1` are two names of versions,
 * though one number. A walk without recursion, since the text comes from outside.
 */
function nodeProblems(root: Node, at: (offset: number) => Place): TextProblem[] {
  const problems: TextProblem[] = [];
  const anchors = new Set<string>();
  const open: unknown[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (isAlias(node) && !anchors.has(node.source)) {
      const message = `the alias *${node.source} stands for nothing`;
      problems.push({ ...at(startOf(node) ?? 0), message, hint: `no &${node.source} comes before it`, code: "alias" });
    }
    if ((isScalar(node) || isCollection(node)) && node.anchor !== undefined) anchors.add(node.anchor);
    // Last in is first out, and an anchor must be met before its aliases.
    for (const child of childrenOf(node).reverse()) open.push(child);
    for (const problem of isMap(node) ? keyProblems(node.items, at) : []) problems.push(problem);
  }
  return problems;
}

function childrenOf(node: unknown): unknown[] {
  const parts = isMap(node) ? node.items.flatMap((pair) => [pair.key, pair.value]) : isSeq(node) ? node.items : [];
  return parts.filter((part) => part !== null && part !== undefined);
}

function keyProblems(pairs: readonly Pair[], at: (offset: number) => Place): TextProblem[] {
  const problems: TextProblem[] = [];
  const seen = new Set<string>();
  for (const { key } of pairs) {
    const text = keyText(key);
    if (text === undefined) {
      problems.push({ ...at(startOf(key) ?? 0), message: "a key must be a text", code: "yaml" });
      continue;
    }
    if (seen.has(text)) {
      const message = `the key ${quote(text)} is given twice`;
      problems.push({ ...at(startOf(key) ?? 0), message, hint: "keep one of them", code: "duplicate-key" });
    }
    seen.add(text);
    if (isScalar(key)) key.value = text;
  }
  return problems;
}

function keyText(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  return typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
}

function textProblem(error: YAMLError, place: Place): TextProblem {
  if (error.code === "TAB_AS_INDENT") {
    return { ...place, message: "a tab indents this line", hint: "use spaces", code: "yaml" };
  }
  if (error.message.includes("call stack")) return { ...place, ...TOO_DEEP };
  const [, end] = /end with an? ([\]}])/.exec(error.message) ?? [];
  if (end !== undefined) return { ...place, message: `not YAML: a ${end} is missing`, code: "yaml" };
  const [message = ""] = error.message.split("\n");
  return { ...place, message: `not YAML: ${message.slice(0, 200)}`, code: "yaml" };
}

/** A parser that has lost its way says several things of one place; the first is the nearest to the truth. */
function onePerPlace(problems: readonly TextProblem[]): TextProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ line, column }) => {
    const key = `${line}:${column}`;
    return !seen.has(key) && seen.add(key);
  });
}

function placeOf(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/**
 * The offset of a part: of a text or number where it stands, of a mapping or list where its key stands, since that is
 * what people look for. Anchors are followed to where their content stands.
 */
function offsetOf(document: Document.Parsed, path: readonly (string | number)[], atKey: boolean): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const [depth, key] of path.entries()) {
    const inside = isAlias(node) ? node.resolve(document) : node;
    const found = childOf(inside, key);
    if (found === undefined) break;
    node = isPair(found) ? found.value : found;
    const last = depth === path.length - 1;
    offset =
      startOf(isPair(found) && (!last || atKey || isCollection(node) || !hasText(node)) ? found.key : node) ?? offset;
  }
  return offset;
}

function childOf(node: unknown, key: string | number): Pair | Node | undefined {
  if (isMap(node)) return node.items.find((pair) => keyText(pair.key) === String(key));
  const child = isSeq(node) && typeof key === "number" ? (node.items[key] as Node | undefined) : undefined;
  return child ?? undefined;
}

function hasText(node: unknown): boolean {
  return (
    isAlias(node) ||
    (isScalar(node) && node.range !== undefined && node.range !== null && node.range[1] > node.range[0])
  );
}

function startOf(node: unknown): number | undefined {
  const range = isScalar(node) || isCollection(node) || isAlias(node) ? node.range : undefined;
  return range?.[0];
}
