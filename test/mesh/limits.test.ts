import { describe, expect, it } from "vitest";
import { MESH_TEXT_LIMIT } from "../../src/core/mesh/limit.ts";
import { formatProblem, readMesh } from "../../src/file/read-mesh.ts";

function said(text: string, name = "m.yaml"): string[] {
  const read = readMesh({ kind: "text", text, name });
  return "problems" in read ? read.problems.map(formatProblem) : [];
}

describe("nothing that can stand in a file brings the reader down", () => {
  it("a file over 16 MiB is not read", () => {
    expect(said("#".repeat(MESH_TEXT_LIMIT + 1))).toEqual(["m.yaml:1:1: the file is larger than 16 MiB"]);
    expect(said("#é".repeat(MESH_TEXT_LIMIT / 3 + 1))).toEqual(["m.yaml:1:1: the file is larger than 16 MiB"]);
  });

  it("a file of just 16 MiB is", () => {
    expect(said("#".repeat(MESH_TEXT_LIMIT))).toEqual([
      "m.yaml:1:1: the file is empty (a mesh has at least one service or resource)",
    ]);
  });

  it.each(["mesh.ts", "mesh.mts", "a/mesh.js", "MESH.TS"])("%s is TypeScript, which is not read yet", (name) => {
    expect(said("export default {}", name)).toEqual([
      `${name}:1:1: mesh files in TypeScript are not read yet (write it as YAML or JSON)`,
    ]);
  });

  it("aliases that multiply", () => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let n = 1; n < 12; n++)
      lines.push(`a${n}: &a${n} [${Array.from({ length: 10 }, () => `*a${n - 1}`).join(", ")}]`);
    expect(said(lines.join("\n"))).toEqual(["m.yaml:1:1: aliases repeat far too much of the file"]);
  });

  it.each([
    ["lists", "[".repeat(200_000)],
    ["closed lists", "[".repeat(5_000) + "]".repeat(5_000)],
    ["mappings", '{"a":'.repeat(100_000)],
    ["indentation", Array.from({ length: 3_000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")],
  ])("%s nested beyond reason", (_, text) => {
    expect(said(text).join("\n")).toMatch(/^m\.yaml:\d+:\d+: (the file is )?nested (too deeply|deeper than 64 levels)/);
  });

  it("values nested beyond reason, or with themselves inside", () => {
    const deep: Record<string, unknown> = {};
    deep["resources"] = [deep];
    const read = readMesh({ kind: "value", value: deep });
    expect("problems" in read ? read.problems.map(({ code }) => code) : []).toEqual(["too-deep"]);
  });

  it.each([
    ["nothing", undefined],
    ["null", null],
    ["a number", 7],
    ["a list", []],
    ["a function", () => 1],
    ["a big integer", { services: 1n }],
    ["a date", { services: new Date(0) }],
  ])("%s instead of a mesh", (_, value) => {
    const read = readMesh({ kind: "value", value });
    expect("problems" in read && read.problems.length > 0).toBe(true);
  });

  it("of very many mistakes a hundred are shown, the first ones", () => {
    const services = Array.from({ length: 5_000 }, (_, n) => `  - { name: s${n}, owner: me, versions: {} }`);
    const lines = said(`services:\n${services.join("\n")}`);
    expect(lines.length).toBe(101);
    expect(lines[0]).toBe("m.yaml:2:28: s0 has no versions (give it at least one)");
    expect(lines[100]).toBe("m.yaml:101:29: 4900 more problems are not shown");
  });

  it("a mapping with very many keys is read in reasonable time", () => {
    const versions = Array.from({ length: 20_000 }, (_, n) => `      v${n}: { dns: "a:1" }`).join("\n");
    const began = performance.now();
    const lines = said(`services:\n  - name: a\n    owner: me\n    versions:\n${versions}`);
    expect(lines.length).toBe(1);
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});
