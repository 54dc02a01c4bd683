import { describe, expect, it } from "vitest";
import { seedWeights } from "../../src/core/mesh/weights.ts";
import { findEnvoy } from "../../src/proxy/find-envoy.ts";
import { EXAMPLES, meshFile } from "../compile/read-mesh.ts";
import { compiledJson } from "../compile/recorder.ts";
import { renderStatic } from "../compile/render-static.ts";
import { validate } from "./validate.ts";

const envoy = await findEnvoy();

describe.skipIf("missing" in envoy)("what is compiled is taken by a real Envoy", () => {
  const golden = ["smallest", "versions", "matches", "sidecars", "raw"].map(
    (name) => `test/compile/golden/${name}.in.yaml`,
  );

  it.each([...EXAMPLES, ...golden])("%s, without a warning", (path) => {
    const mesh = meshFile(path);
    const said = validate(envoy, renderStatic(compiledJson(mesh, seedWeights(mesh))));
    expect(said).toEqual({ status: 0, warnings: [] });
  });

  it("with weights in the middle of a shift, and with a version that has nothing", () => {
    const mesh = meshFile("examples/shop.yaml");
    const weights = { ...seedWeights(mesh), reviews: { v1: 9_995, v2: 5 }, storefront: { v1: 0, v2: 10_000 } };
    expect(validate(envoy, renderStatic(compiledJson(mesh, weights)))).toEqual({ status: 0, warnings: [] });
  });
});
