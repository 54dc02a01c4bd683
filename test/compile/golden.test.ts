import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Mesh } from "../../src/core/mesh/mesh.ts";
import { selectionOf } from "../../src/core/mesh/selection.ts";
import { seedWeights } from "../../src/core/mesh/weights.ts";
import { compile } from "../../src/envoy/compile.ts";
import { testCodec } from "../envoy-schema/codec-fixture.ts";
import { meshOf } from "./read-mesh.ts";

const FOLDER = new URL("golden/", import.meta.url).pathname;
const NAMES = readdirSync(FOLDER).flatMap((file) => (file.endsWith(".in.yaml") ? [file.slice(0, -8)] : []));

describe("what Envoy gets for a mesh, field by field", () => {
  it.each(NAMES)("%s", async (name) => {
    const text = readFileSync(join(FOLDER, `${name}.in.yaml`), "utf8");
    const clusters = /^# nodes: (.*)$/m.exec(text)?.[1]?.split(" ") ?? [];
    const got = Object.fromEntries(clusters.map((cluster) => [cluster, decoded(meshOf(text), cluster)]));
    await expect(`${JSON.stringify(got, null, 2)}\n`).toMatchFileSnapshot(join(FOLDER, `${name}.out.json`));
  });
});

/** What a node of this cluster gets, read back out of the bytes. */
function decoded(mesh: Mesh, cluster: string): unknown[] {
  const codec = testCodec();
  const node = { id: "1", cluster, labels: {}, zone: "", envoyVersion: "" };
  const { resources, problems } = compile(mesh, seedWeights(mesh), selectionOf(mesh, node), codec);
  expect(problems).toEqual([]);
  return resources.map(({ typeUrl, bytes }) => codec.decode(typeUrl, bytes));
}
