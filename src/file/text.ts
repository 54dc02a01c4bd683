import {
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
  parseAllDocuments,
  visit,
  type YAMLError,
} from "yaml";
import type { Problem } from "../core/failure/problem.ts";

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
  const parsed = guarded(() =>
    parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: sameKey, version: "1.2" }),
  );
  if ("problem" in parsed) return { problems: [parsed.problem] };
  const documents = Array.isArray(parsed.value) ? parsed.value : [];
  const [document, second] = documents;
  const start = { line: 1, column: 1 };
  if (document === undefined) return { problems: [{ ...start, ...EMPTY }] };
  const errors = documents.flatMap((each) => [...each.errors, ...each.warnings]);
  if (errors.length > 0)
    return { problems: errors.map((error) => textProblem(error, placeOf(lines, error.pos[0]), text)) };
  if (second !== undefined) return { problems: [{ ...placeOf(lines, second.range[0]), ...SECOND_DOCUMENT }] };
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return { problems: [{ ...start, ...EMPTY }] };
  }
  keepKeysAsWritten(document);
  const value = guarded(() => document.toJS({ maxAliasCount: ALIAS_LIMIT }) as unknown);
  if ("problem" in value) return { problems: [value.problem] };
  return { value: value.value, place: (path, atKey) => placeOf(lines, offsetOf(document, path, atKey)) };
}

const EMPTY = { message: "the file is empty", hint: "a mesh has at least one service or resource", code: "empty-file" };
const SECOND_DOCUMENT = {
  message: "a second document begins here",
  hint: "a mesh file is one document",
  code: "second-document",
};

/** The parser throws for what is nested too deep and for alias bombs; both are mistakes of the writer. */
function guarded<T>(read: () => T): { value: T } | { problem: TextProblem } {
  try {
    return { value: read() };
  } catch (error) {
    const deep = error instanceof RangeError;
    const message = deep ? "the file is nested too deeply" : "an alias cannot be followed, or there are far too many";
    return { problem: { line: 1, column: 1, message, code: deep ? "too-deep" : "alias" } };
  }
}

/** `1.10` and `1.1` are two names of versions, though one number. */
function sameKey(a: Node | null, b: Node | null): boolean {
  return keyText(a) !== undefined && keyText(a) === keyText(b);
}

function keyText(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  return typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
}

function keepKeysAsWritten(document: Document.Parsed): void {
  visit(document, {
    Pair(_, pair) {
      if (isScalar(pair.key) && typeof pair.key.value !== "string") pair.key.value = keyText(pair.key) ?? "";
    },
  });
}

function textProblem(error: YAMLError, place: Place, text: string): TextProblem {
  if (error.code === "DUPLICATE_KEY") {
    const key = /^["']?([\w@.-]+)/.exec(text.slice(error.pos[0], error.pos[0] + 100))?.[1] ?? "";
    return { ...place, message: `the key "${key}" is given twice`, hint: "keep one of them", code: "duplicate-key" };
  }
  if (error.code === "TAB_AS_INDENT")
    return { ...place, message: "a tab indents this line", hint: "use spaces", code: "yaml" };
  const message = error.message.split("\n")[0] ?? "";
  return { ...place, message: `not YAML: ${message.slice(0, 200)}`, code: "yaml" };
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
