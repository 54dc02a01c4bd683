import { expect, test } from "vitest";
import { nodeOf } from "./fake-control-plane.ts";
import { serving } from "./serving.ts";

test("smoke", async () => {
  const s = await serving();
  s.controlPlane.seed();
  s.controlPlane.fleet.push(nodeOf("edge-1"), nodeOf("edge-<b>2", { state: "REFUSED" }));
  for (const p of [
    "/v1/status",
    "/v1/nodes",
    "/v1/nodes/edge-1",
    "/v1/nodes/edge-1/config",
    "/v1/revisions",
    "/v1/revisions/1",
    "/v1/revisions/1/diff/1",
    "/v1/rollouts",
    "/v1/freezes",
    "/v1/journal",
    "/readyz",
    "/healthz",
    "/metrics",
    "/",
  ]) {
    const a = await s.ask("GET", p);
    console.log(p, a.status, a.text.slice(0, 2500));
  }
  console.log(
    await s.ask("POST", "/v1/rollouts", { kind: "shift", service: "reviews", weights: { v2: 500 }, reason: "r" }),
  );
  console.log((await s.ask("GET", "/v1/openapi.json")).text.length);
  console.log((await s.ask("GET", "/")).text);
  expect(1).toBe(1);
});
