import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const CONVERSATIONS = "test/transcripts/conversations/";
const rows = readFileSync(new URL("docs/xds-pitfalls.md", root), "utf8")
  .split("\n")
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .filter(([, id]) => /^P\d+$/.test(id ?? ""))
  .map(([, id = "", wrong = "", held = "", ...rest]) => ({ id, wrong, held, more: rest.length }));

/** The files that a row names: paths, and conversations by their name alone. */
function filesOf(held: string): string[] {
  const named = [...held.matchAll(/`([\w/.-]+)`/g)].map(([, name = ""]) => name);
  return named.flatMap((name) =>
    name.includes("/") ? [name] : /^[a-z]+-[a-z-]+$/.test(name) ? [`${CONVERSATIONS}${name}.txt`] : [],
  );
}

/** The pitfalls that a file names in titles: in the first line of a conversation, in a string of a test. */
function titledIn(path: string): Set<string> {
  const text = readFileSync(new URL(path, root), "utf8");
  const titles = path.endsWith(".txt") ? text.split("\n", 1) : (text.match(/"[^"\n]*"/g) ?? []);
  return new Set(titles.flatMap((title) => title.match(/\bP\d\d\b(?!\()/g) ?? []));
}

const tests = readdirSync(new URL("test", root), { recursive: true, encoding: "utf8" })
  .map((path) => `test/${path}`)
  .filter((path) => path.endsWith(".test.ts") || path.startsWith(CONVERSATIONS));

describe("docs/xds-pitfalls.md", () => {
  test("has each of the 72 once, in order, with what goes wrong", () => {
    const ids = Array.from({ length: 72 }, (_, index) => `P${String(index + 1).padStart(2, "0")}`);
    expect(rows.map(({ id }) => id)).toEqual(ids);
    expect(rows.filter(({ wrong, more }) => wrong.length < 20 || more !== 1)).toEqual([]);
  });

  test("names tests that are there and have the pitfall in a title", () => {
    const wrong = rows.flatMap(({ id, held }) =>
      filesOf(held).flatMap((path) => (titledIn(path).has(id) ? [] : [`${id}: ${path}`])),
    );
    expect(wrong).toEqual([]);
  });

  test("names every test on a real Envoy that has the pitfall in a title", () => {
    const onEnvoy = tests.filter((path) => path.startsWith("test/envoy/"));
    const missing = onEnvoy.flatMap((path) =>
      [...titledIn(path)].flatMap((id) =>
        rows.some((row) => row.id === id && filesOf(row.held).includes(path)) ? [] : [`${id}: ${path}`],
      ),
    );
    expect(missing).toEqual([]);
    expect(rows.filter(({ held }) => held.includes("test/envoy/")).length).toBeGreaterThanOrEqual(40);
  });

  test("says why where it names none", () => {
    const bare = rows.filter(({ held }) => filesOf(held).length === 0);
    expect(bare.filter(({ held }) => !/^(Not there yet|Does not apply): .{20,}/.test(held))).toEqual([]);
  });

  test("says it nowhere where there is a test", () => {
    const titled = new Set(tests.flatMap((path) => [...titledIn(path)]));
    expect(rows.filter(({ id, held }) => filesOf(held).length === 0 && titled.has(id))).toEqual([]);
  });
});
