import type { DescEnum } from "@bufbuild/protobuf";
import { partsOf } from "./duration.ts";
import { isObject } from "./json-kinds.ts";

/** What is wrong with a value of canonical JSON, as the end of a sentence that begins with the field; or undefined. */
export type Test = (value: unknown) => string | undefined;

/** Of canonical JSON's scalars, which are strings, numbers, true and false. */
function text(scalar: unknown): string {
  return typeof scalar === "string" ? scalar : (JSON.stringify(scalar) ?? "");
}

type Rules = Readonly<Record<string, unknown>>;

/**
 * The tests of one kind of `validate.rules`, e.g. of `{string: {min_len: "1"}}`. Kinds and rules that Envoy's build does
 * not check either (addresses, e-mail) have none. Those of lists and maps concern their size alone.
 */
export function testsOf(kind: string, rules: unknown, type: DescEnum | undefined): readonly Test[] {
  if (!isObject(rules)) return [];
  const tests = kind === "enum" ? enumTests(rules, type) : (KINDS.get(kind)?.(rules) ?? []);
  return rules["ignore_empty"] === true ? tests.map(unlessEmpty) : tests;
}

const KINDS: ReadonlyMap<string, (rules: Rules) => readonly Test[]> = new Map<
  string,
  (rules: Rules) => readonly Test[]
>([
  ...["float", "double", "int32", "uint32", "sint32", "fixed32", "sfixed32"].map(
    (kind) => [kind, (rules: Rules) => rangeTests(rules, Number)] as const,
  ),
  ...["int64", "uint64", "sint64", "fixed64", "sfixed64"].map(
    (kind) => [kind, (rules: Rules) => rangeTests(rules, (json) => BigInt(text(json)))] as const,
  ),
  ["duration", (rules) => rangeTests(rules, nanoseconds)],
  ["bool", (rules) => equalTests(rules)],
  ["string", stringTests],
  ["bytes", (rules) => lengthTests(rules, "bytes", bytesIn)],
  ["any", (rules) => listTests(rules, (value) => (isObject(value) ? value["@type"] : undefined))],
  ["repeated", listSizeTests],
  [
    "map",
    (rules) => sizeTests(rules, ["min_pairs", "max_pairs"], "entries", (value) => Object.keys(Object(value)).length),
  ],
]);

function unlessEmpty(test: Test): Test {
  return (value) => (EMPTY.has(value) || (Array.isArray(value) && value.length === 0) ? undefined : test(value));
}

/** Zero values of scalars in canonical JSON; a 64-bit zero may be in quotes, which no string field's rule minds. */
const EMPTY: ReadonlySet<unknown> = new Set(["", 0, "0", false]);

type Ordered = number | bigint;

const BOUNDS: readonly [rule: string, words: string, holds: (value: Ordered, bound: Ordered) => boolean][] = [
  ["gt", "must be greater than", (value, bound) => value > bound],
  ["gte", "must be at least", (value, bound) => value >= bound],
  ["lt", "must be less than", (value, bound) => value < bound],
  ["lte", "must be at most", (value, bound) => value <= bound],
];

function rangeTests(rules: Rules, read: (json: unknown) => Ordered): readonly Test[] {
  // Bounds the wrong way round mean "outside of"; Envoy's API has none.
  const bounds = BOUNDS.flatMap(([rule, words, holds]) => {
    const said = rules[rule];
    if (said === undefined) return [];
    const bound = read(said);
    return [(value: unknown) => (holds(read(value), bound) ? undefined : `${words} ${text(said)}`)];
  });
  return [...bounds, ...equalTests(rules), ...listTests(rules, (value) => value)];
}

/** Of `1.5s`, as a whole number, so that no fraction is lost. */
function nanoseconds(duration: unknown): Ordered {
  const { seconds, nanos } = partsOf(text(duration));
  const all = seconds * 1e9 + nanos;
  return Number.isSafeInteger(all) ? all : BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
}

function equalTests(rules: Rules): readonly Test[] {
  const { const: wanted } = rules;
  if (wanted === undefined) return [];
  return [(value) => (text(value) === text(wanted) ? undefined : `must be ${text(wanted)}`)];
}

function listTests(rules: Rules, read: (value: unknown) => unknown): readonly Test[] {
  const tests: Test[] = [];
  const { in: allowed, not_in: forbidden } = rules;
  if (Array.isArray(allowed)) {
    const words = allowed.map(text);
    tests.push((value) => (words.includes(text(read(value))) ? undefined : `must be one of ${words.join(", ")}`));
  }
  if (Array.isArray(forbidden)) {
    const words = forbidden.map(text);
    tests.push((value) => (words.includes(text(read(value))) ? `must not be ${text(read(value))}` : undefined));
  }
  return tests;
}

/** Rules say numbers, canonical JSON says names. Values that are not defined never get this far. */
function enumTests(rules: Rules, type: DescEnum | undefined): readonly Test[] {
  const nameOf = (number: unknown): unknown => type?.values.find((value) => value.number === number)?.name;
  const named = (list: unknown): unknown => (Array.isArray(list) ? list.map(nameOf) : undefined);
  const inNames = { in: named(rules["in"]), not_in: named(rules["not_in"]) };
  const wanted = rules["const"] === undefined ? {} : { const: nameOf(rules["const"]) };
  return [...equalTests(wanted), ...listTests(inNames, (value) => value)];
}

function sizeTests(
  rules: Rules,
  [least, most]: readonly [string, string],
  what: string,
  sizeOf: (value: unknown) => number,
): readonly Test[] {
  const tests: Test[] = [];
  const [min, max] = [Number(rules[least] ?? 0), Number(rules[most] ?? Number.POSITIVE_INFINITY)];
  if (min === 1) tests.push((value) => (sizeOf(value) > 0 ? undefined : "must not be empty"));
  else if (min > 1) tests.push((value) => (sizeOf(value) >= min ? undefined : `must have at least ${min} ${what}`));
  if (max < Number.POSITIVE_INFINITY)
    tests.push((value) => (sizeOf(value) <= max ? undefined : `must have at most ${max} ${what}`));
  return tests;
}

function listSizeTests(rules: Rules): readonly Test[] {
  const sizes = sizeTests(rules, ["min_items", "max_items"], "items", (value) =>
    Array.isArray(value) ? value.length : 0,
  );
  return rules["unique"] === true ? [...sizes, uniqueTest] : sizes;
}

function uniqueTest(value: unknown): string | undefined {
  const items = Array.isArray(value) ? value.map((item) => JSON.stringify(item)) : [];
  return new Set(items).size === items.length ? undefined : "must not have the same item twice";
}

/** Lengths that both characters and bytes have: `len`, `min_len`, `max_len`. */
function lengthTests(rules: Rules, what: string, lengthOf: (value: unknown) => number): readonly Test[] {
  const { len } = rules;
  const exact: Test = (value) => (lengthOf(value) === Number(len) ? undefined : `must have ${text(len)} ${what}`);
  return [...sizeTests(rules, ["min_len", "max_len"], what, lengthOf), ...(len === undefined ? [] : [exact])];
}

function stringTests(rules: Rules): readonly Test[] {
  return [
    ...lengthTests(rules, "characters", (value) => charactersIn(text(value))),
    ...sizeTests(rules, ["min_bytes", "max_bytes"], "bytes", (value) => UTF8.encode(text(value)).length),
    ...patternTests(rules),
    ...partTests(rules),
    ...equalTests(rules),
    ...listTests(rules, (value) => value),
  ];
}

/** Code points, as protobuf counts. */
function charactersIn(value: string): number {
  return value.length - (value.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

const UTF8 = new TextEncoder();

function bytesIn(base64: unknown): number {
  return Math.floor((text(base64).replace(/=+$/, "").length * 3) / 4);
}

const PARTS: readonly [rule: string, words: string, holds: (value: string, part: string) => boolean][] = [
  ["prefix", "must begin with", (value, part) => value.startsWith(part)],
  ["suffix", "must end with", (value, part) => value.endsWith(part)],
  ["contains", "must contain", (value, part) => value.includes(part)],
  ["not_contains", "must not contain", (value, part) => !value.includes(part)],
];

function partTests(rules: Rules): readonly Test[] {
  return PARTS.flatMap(([rule, words, holds]) => {
    const part = rules[rule];
    if (typeof part !== "string") return [];
    return [(value: unknown) => (holds(text(value), part) ? undefined : `${words} ${JSON.stringify(part)}`)];
  });
}

/* Control characters are what these keep out. */
/* oxlint-disable no-control-regex */
const HEADER_NAME = /^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+$/;
const HEADER_VALUE = /^[^\u0000-\u0008\u000A-\u001F\u007F]*$/;
const HEADER_LENIENT = /^[^\u0000\u000A\u000D]*$/;
/* oxlint-enable no-control-regex */

function patternTests(rules: Rules): readonly Test[] {
  const strict = rules["strict"] !== false;
  const tests: Test[] = [];
  const { well_known_regex: known, pattern } = rules;
  if (known === "HTTP_HEADER_NAME")
    tests.push(matches(strict ? HEADER_NAME : HEADER_LENIENT, "must be the name of a header"));
  if (known === "HTTP_HEADER_VALUE")
    tests.push(matches(strict ? HEADER_VALUE : HEADER_LENIENT, "must be the value of a header, on one line"));
  const regex = typeof pattern === "string" ? compiled(pattern) : undefined;
  if (regex !== undefined) tests.push(matches(regex, `must match ${text(pattern)}`));
  return tests;
}

function matches(regex: RegExp, words: string): Test {
  return (value) => (regex.test(text(value)) ? undefined : words);
}

/** Envoy's patterns are RE2's. One that JavaScript cannot read is left to Envoy. */
function compiled(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern);
  } catch {
    return undefined;
  }
}
