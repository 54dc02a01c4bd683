import { describe, expect, it } from "vitest";
import { createMeshReader, formatProblem } from "../../src/file/mesh-reader.ts";
import { casesOf } from "./cases.ts";

const reader = createMeshReader();

describe.each(["text", "shape", "references"])("a mistake in the %s of a file is said with its place", (name) => {
  it.each(casesOf(name))("$title", ({ text, says }) => {
    const read = reader.readText(text, "mesh.yaml");
    expect("problems" in read ? read.problems.map(formatProblem) : []).toEqual(says);
    expect(says).not.toEqual([]);
  });
});
