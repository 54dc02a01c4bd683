import { expect, test } from "vitest";
import { nodeOf } from "./fake-control-plane.ts";
import { at, serving } from "./serving.ts";

test("what an Envoy is built with is in the answer about it alone, and not in lists", async () => {
  const served = await serving();
  const extensions = { "envoy.filters.http": ["envoy.filters.http.router"] };
  const { identity } = nodeOf("edge-1");
  served.controlPlane.fleet = [nodeOf("edge-1", { identity: { ...identity, extensions } })];
  const one = await served.ask("GET", "/v1/nodes/edge-1");
  expect(one.json).toMatchObject({ envoy: "1.40.0", extensions });
  const listed = at((await served.ask("GET", "/v1/nodes")).json, "items", 0);
  expect(listed).not.toHaveProperty("extensions");
  expect(at(listed, "version")).toBe(one.json["version"]);
});
