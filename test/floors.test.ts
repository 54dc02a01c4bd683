import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PlantedTree, plantTree } from "./house/planted-tree.ts";

// A linter that goes blind is silent. So each kind of violation is planted, and has to be reported.

const IMPORTS = "eslint(no-restricted-imports)";
const PROPERTIES = "eslint(no-restricted-properties)";
const GLOBALS = "eslint(no-restricted-globals)";
const CYCLE = "import(no-cycle)";

const EDGES = ["grpc", "http", "file", "store", "sandbox", "proxy"];

/** The names that planted files import, so that only the direction is wrong and never the target. */
const CLEAN: Readonly<Record<string, string>> = {
  "src/core/noun/clean.ts":
    "export interface Clean {\n  readonly now: number;\n}\nexport const clean: Clean = { now: 0 };\n",
  "src/envoy/clean.ts":
    'import { toBinary } from "@bufbuild/protobuf";\nimport { clean } from "../core/noun/clean.ts";\nexport const upper: unknown = [toBinary, clean];\n',
  "src/control/clean.ts":
    'import { createHash } from "node:crypto";\nimport { upper } from "../envoy/clean.ts";\nexport const state: unknown = [upper, createHash, Date.now()];\n',
  ...Object.fromEntries(
    EDGES.map((edge) => [
      `src/${edge}/clean.ts`,
      `import { readFile } from "node:fs/promises";\nimport { state } from "../control/clean.ts";\nimport { upper } from "../envoy/clean.ts";\nexport const ${edge}Edge: unknown = [state, upper, readFile];\n`,
    ]),
  ),
  "src/library/clean.ts": 'import { grpcEdge } from "../grpc/clean.ts";\nexport const cache: unknown = grpcEdge;\n',
  "src/cli/clean.ts":
    'import { grpcEdge } from "../grpc/clean.ts";\nimport { httpEdge } from "../http/clean.ts";\nexport const command: unknown = [grpcEdge, httpEdge, process.env["HOME"]];\n',
  "src/serve.ts": 'import { storeEdge } from "./store/clean.ts";\nexport const served: unknown = storeEdge;\n',
  "src/index.ts": 'export { clean } from "./core/noun/clean.ts";\nexport { served } from "./serve.ts";\n',
};

const nameOf = (folder: string): string => (EDGES.includes(folder) ? `${folder}Edge` : "command");
const importOf = (name: string, from: string): string =>
  `import { ${name} } from "${from}";\nexport const used: unknown = ${name};\n`;

/** What is planted: a file, its text, and the rule that has to report it. */
const PLANTED: readonly (readonly [path: string, rule: string, text: string])[] = [
  ["src/core/noun/value.ts", IMPORTS, importOf("upper", "../../envoy/clean.ts")],
  [
    "src/core/noun/type-only.ts",
    IMPORTS,
    'import type { upper } from "../../envoy/clean.ts";\nexport type T = typeof upper;\n',
  ],
  [
    "src/core/noun/dynamic.ts",
    IMPORTS,
    'export const later = async (): Promise<unknown> => import("../../envoy/clean.ts");\n',
  ],
  ["src/core/noun/star.ts", IMPORTS, 'export * from "../../envoy/clean.ts";\n'],
  ["src/core/noun/node-module.ts", IMPORTS, importOf("readFileSync", "node:fs")],
  ["src/core/noun/package.ts", IMPORTS, importOf("z", "zod")],
  ["src/core/noun/cycle-a.ts", CYCLE, 'import { b } from "./cycle-b.ts";\nexport const a = (): number => b();\n'],
  ["src/core/noun/cycle-b.ts", CYCLE, 'import { a } from "./cycle-a.ts";\nexport const b = (): number => a();\n'],
  [
    "src/core/noun/type-cycle-a.ts",
    CYCLE,
    'import type { B } from "./type-cycle-b.ts";\nexport interface A { readonly b: B }\n',
  ],
  [
    "src/core/noun/type-cycle-b.ts",
    CYCLE,
    'import type { A } from "./type-cycle-a.ts";\nexport interface B { readonly a: A }\n',
  ],
  ["src/core/noun/clock.ts", PROPERTIES, "export const time = (): number => Date.now();\n"],
  ["src/core/noun/dice.ts", PROPERTIES, "export const dice = (): number => Math.random();\n"],
  ["src/core/noun/environment.ts", GLOBALS, "export const home: unknown = process.env;\n"],
  ["src/core/noun/the-world.ts", GLOBALS, "export const world: unknown = globalThis;\n"],
  ["src/core/noun/root.ts", IMPORTS, importOf("served", "../../serve.ts")],
  ["src/envoy/upwards.ts", IMPORTS, importOf("state", "../control/clean.ts")],
  ["src/envoy/edge.ts", IMPORTS, importOf("grpcEdge", "../grpc/clean.ts")],
  ["src/envoy/package.ts", IMPORTS, importOf("z", "zod")],
  ["src/envoy/scoped-package.ts", IMPORTS, importOf("credentials", "@grpc/grpc-js")],
  ["src/envoy/node-module.ts", IMPORTS, importOf("createHash", "node:crypto")],
  ["src/envoy/clock.ts", PROPERTIES, "export const time = (): number => Date.now();\n"],
  ["src/envoy/dice.ts", PROPERTIES, "export const dice = (): number => Math.random();\n"],
  ["src/envoy/bytes.ts", GLOBALS, 'export const bytes: unknown = Buffer.from("");\n'],
  ["src/control/disk.ts", IMPORTS, importOf("readFileSync", "node:fs")],
  ["src/control/socket.ts", IMPORTS, importOf("createServer", "node:http2")],
  ["src/control/package.ts", IMPORTS, importOf("z", "zod")],
  ["src/control/environment.ts", "node(no-process-env)", 'export const home: unknown = process.env["HOME"];\n'],
  ["src/control/root.ts", IMPORTS, importOf("served", "../serve.ts")],
  ...[...EDGES, "cli"].map(
    (edge) => [`src/control/to-${edge}.ts`, IMPORTS, importOf(nameOf(edge), `../${edge}/clean.ts`)] as const,
  ),
  ...EDGES.flatMap((edge) =>
    [...EDGES.filter((other) => other !== edge), "cli"].map(
      (other) => [`src/${edge}/to-${other}.ts`, IMPORTS, importOf(nameOf(other), `../${other}/clean.ts`)] as const,
    ),
  ),
  ["src/http/page/nested.ts", IMPORTS, importOf("grpcEdge", "../../grpc/clean.ts")],
  ["src/library/store.ts", IMPORTS, importOf("storeEdge", "../store/clean.ts")],
  ["src/grpc/to-library.ts", IMPORTS, importOf("cache", "../library/clean.ts")],
  ["src/cli/index-of-the-library.ts", IMPORTS, importOf("clean", "../index.ts")],
  ["src/cli/barrel.ts", "oxc(no-barrel-file)", 'export * from "./clean.ts";\n'],
  ["src/cli/default.ts", "import(no-default-export)", "export default 1;\n"],
  ["src/cli/any.ts", "typescript(no-explicit-any)", "export const anything: any = 1;\n"],
  [
    "src/cli/floating.ts",
    "typescript(no-floating-promises)",
    "const go = async (): Promise<void> => {};\ngo();\nexport { go };\n",
  ],
  [
    "src/cli/long-file.ts",
    "eslint(max-lines)",
    Array.from({ length: 301 }, (_, n) => `export const n${n} = ${n};\n`).join(""),
  ],
  [
    "src/cli/long-function.ts",
    "eslint(max-lines-per-function)",
    `export function long(): void {\n${"  void 0;\n".repeat(50)}}\n`,
  ],
  [
    "src/cli/many.ts",
    "eslint(max-params)",
    "export const many = (a: 1, b: 1, c: 1, d: 1, e: 1): unknown => [a, b, c, d, e];\n",
  ],
  [
    "src/cli/deep.ts",
    "eslint(max-depth)",
    `export function deep(a: boolean): void {\n${"  if (a) {\n".repeat(4)}${"  }\n".repeat(4)}}\n`,
  ],
];

describe("the linter", () => {
  let tree: PlantedTree;
  let reported: ReadonlyMap<string, readonly string[]>;

  beforeAll(async () => {
    tree = await plantTree({ ...CLEAN, ...Object.fromEntries(PLANTED.map(([path, , text]) => [path, text])) });
    reported = await tree.lint();
  });
  afterAll(() => tree.remove());

  test.each(PLANTED)("reports %s: %s", (path, rule) => {
    expect(reported.get(path) ?? []).toContain(rule);
  });

  test("reports nothing in the files that keep the rules, though they stand beside those that do not", () => {
    expect(Object.keys(CLEAN).flatMap((path) => reported.get(path) ?? [])).toEqual([]);
  });
});

/** What only the compiler sees (globals, syntax that types cannot be stripped from), and imports a second time. Packages are the linter's. */
const COMPILED: Readonly<Record<string, string>> = {
  "src/core/noun/value.ts": importOf("upper", "../../envoy/clean.ts"),
  "src/core/noun/type-only.ts": 'import type { upper } from "../../envoy/clean.ts";\nexport type T = typeof upper;\n',
  "src/core/noun/node-module.ts": importOf("readFileSync", "node:fs"),
  "src/core/noun/timer.ts": "setTimeout(() => undefined, 1);\nexport {};\n",
  "src/core/noun/process.ts": "export const pid: unknown = process.pid;\n",
  "src/core/noun/buffer.ts": 'export const bytes: unknown = Buffer.from("");\n',
  "src/core/noun/console.ts": 'console.log("");\nexport {};\n',
  "src/core/noun/fetch.ts": 'export const page: unknown = fetch("");\n',
  "src/core/noun/enum.ts": "export enum Choice {\n  A,\n}\n",
  "src/core/noun/parameter-property.ts": "export class Box {\n  constructor(readonly content: number) {}\n}\n",
};

describe("the compiler, on core/ alone", () => {
  test.each(Object.entries(COMPILED))("reports %s", async (path, text) => {
    const tree = await plantTree({ ...CLEAN, [path]: text });
    try {
      const errors = await tree.compile("src/core");
      const name = path.slice(path.lastIndexOf("/") + 1);
      expect(errors.filter((line) => line.includes(name) && line.includes("error TS"))).not.toEqual([]);
    } finally {
      await tree.remove();
    }
  });

  test("reports nothing in a tree that keeps the rules", async () => {
    const tree = await plantTree(CLEAN);
    try {
      expect(await tree.compile("src/core")).toEqual([""]);
      expect(await tree.lint()).toEqual(new Map());
    } finally {
      await tree.remove();
    }
  });
});
