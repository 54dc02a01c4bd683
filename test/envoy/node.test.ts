import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { freeAddress } from "../../src/lab/addresses.ts";
import { labBootstrap } from "../../src/lab/envoy-bootstrap.ts";
import { Lifetimes } from "../../src/lab/lifetimes.ts";
import { runEnvoy } from "../../src/proxy/run-envoy.ts";
import { cluster, startEngine, viewOf } from "./engine.ts";
import { envoy, eventually } from "./harness.ts";

let lifetimes = new Lifetimes();
afterEach(async () => {
  await lifetimes.close();
  lifetimes = new Lifetimes();
});

describe.skipIf("missing" in envoy)("what a real Envoy says of itself in its first request", () => {
  test("is kept: its version, and what it is built with, once for all of its build", async () => {
    if ("missing" in envoy) return;
    const xds = await freeAddress();
    const engine = await lifetimes.add(startEngine(xds), (made) => made.die());
    const dir = await lifetimes.add(mkdtemp(join(tmpdir(), "belay-test-")), (made) =>
      rm(made, { recursive: true, force: true }),
    );
    const lists = [];
    for (const [id, delta] of [
      ["edge-1", false],
      ["edge-2", true],
    ] as const) {
      engine.give(id, viewOf(cluster("a")));
      const options = { binary: envoy.path, bootstrap: labBootstrap(id, xds, delta), dir: join(dir, id) };
      await lifetimes.add(runEnvoy(options), (proxy) => proxy.stop());
      await eventually(() => engine.registry.node(id)?.state === "IN_SYNC", `${id} is in sync`);
      const { identity } = engine.registry.node(id) ?? {};
      expect(identity?.envoyVersion).toMatch(/^1\.\d+\.\d+$/);
      lists.push(identity?.extensions);
    }
    const [first, second] = lists;
    expect(first?.["envoy.filters.http"]).toContain("envoy.filters.http.router");
    expect(second).toBe(first);
  });
});
