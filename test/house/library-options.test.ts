import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("docs/library.md has every option of XdsServer once, and no others", () => {
  const source = read("src/library/server-options.ts");
  const body = /interface XdsServerOptions \{\n([\s\S]*?)\n\}/.exec(source)?.[1] ?? "";
  const declared = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name);
  const section = /## `new XdsServer[\s\S]*?(?=\n## )/.exec(read("docs/library.md"))?.[0] ?? "";
  const documented = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  expect(declared.length).toBeGreaterThan(5);
  expect(new Set(documented)).toEqual(new Set(declared));
  expect(documented).toHaveLength(declared.length);
});
