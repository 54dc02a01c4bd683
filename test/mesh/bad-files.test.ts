import { describe, expect, it } from "vitest";
import { formatProblem, readMesh } from "../../src/file/read-mesh.ts";
import { casesOf } from "./cases.ts";

describe.each(["text", "shape", "references"])("a mistake in the %s of a file is said with its place", (name) => {
  it.each(casesOf(name))("$title", ({ text, says }) => {
    const read = readMesh({ kind: "text", text, name: "mesh.yaml" });
    expect("problems" in read ? read.problems.map(formatProblem) : []).toEqual(says);
    expect(says).not.toEqual([]);
  });
});
