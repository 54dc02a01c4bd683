import { describe, expect, test } from "vitest";
import { Fetches } from "../../src/control/fetches.ts";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import type { PollLimits } from "../../src/control/recent-polls.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { snapshotOf } from "../../src/core/snapshot/snapshot.ts";
import { VirtualClock } from "./virtual-clock.ts";

const CONTENT = {
  typeUrl: CLUSTER,
  name: "a",
  version: "1",
  bytes: new Uint8Array([1]),
  refs: [],
};

/** Nodes that poll clusters, each given its view as soon as it is there. */
function polling(limits: Partial<PollLimits>, hasViews = true) {
  const clock = new VirtualClock();
  const times = { graceMs: 1_000, holdMs: 5_000 };
  const settings = { clock, times, defer: () => {}, tag: () => "t", redact: (text: string) => text };
  const registry = new NodeRegistry(settings);
  const fetches = new Fetches(registry, settings, limits);
  const view = { snapshot: snapshotOf([CONTENT], String), revision: 1, group: "g" };
  if (hasViews) {
    registry.listen((event) => {
      if (event.kind === "connected") registry.assign(event.node.id, view);
    });
  }
  const ask = (id: string, names: readonly string[] = [], labels: Readonly<Record<string, string>> = {}) =>
    fetches.answer(
      { typeUrl: CLUSTER, versionInfo: "", names, nonce: "" },
      { id, cluster: "edge", labels, zone: "", envoyVersion: "" },
    );
  const here = (): string[] => registry.nodes().flatMap(({ identity, connected }) => (connected ? [identity.id] : []));
  return { clock, ask, here };
}

describe("P58 polls under made-up ids are kept within bounds:", () => {
  test("who asked but once goes first, who asks again and again stays", async () => {
    const { ask, here } = polling({ polls: 3 });
    await ask("steady");
    await ask("steady");
    for (let n = 0; n < 100; n += 1) expect(await ask(`made-up-${n}`)).toMatchObject({ kind: "found" });
    expect(here()).toEqual(["steady", "made-up-98", "made-up-99"]);
  });

  test("where all have asked again, the one that has been silent longest goes", async () => {
    const { ask, here } = polling({ polls: 2 });
    for (const id of ["a", "b", "a", "b", "a"]) await ask(id);
    await ask("c");
    expect(here()).toEqual(["a", "c"]);
  });

  test("what they ask for is counted, and a single one that is too much is answered all the same", async () => {
    const { ask, here } = polling({ bytes: 10_000 });
    await ask("small");
    const names = Array.from({ length: 100 }, (_, n) => `a-rather-long-name-${n}`);
    expect(await ask("large", ["a", ...names, ...names])).toMatchObject({ kind: "found" });
    expect(here()).toEqual([]);
    await ask("small");
    expect(here()).toEqual(["small"]);
  });

  test("what they say of themselves is counted, also where they say more the second time", async () => {
    const { ask, here } = polling({ bytes: 60_000 });
    for (const id of ["a", "b", "c"]) await ask(id, [], { note: "x".repeat(10_000) });
    expect(here()).toEqual(["b", "c"]);
    for (const id of ["a", "b", "c"]) await ask(id);
    await ask("c", [], { note: "x".repeat(29_500) });
    expect(here()).toEqual(["c"]);
  });

  test("a node that says more than a quarter of a mebibyte of itself is told so, and not kept", async () => {
    const { ask, here } = polling({});
    expect(await ask("a", [], { note: "x".repeat(128 * 1024) })).toMatchObject({
      kind: "invalid",
      why: expect.stringMatching(/^node\.id, cluster, .* take 2\d{5} bytes together.* it takes 262144 at most$/),
    });
    expect(here()).toEqual([]);
  });

  test("who waits for its view when it has to go is told so at once, and no timer is left of it", async () => {
    const { clock, ask } = polling({ polls: 1 }, false);
    const waiting = ask("first");
    const next = ask("second");
    expect(await waiting).toEqual({ kind: "unavailable", why: "more clients poll than are kept in mind: ask again" });
    expect(clock.pending).toBe(2);
    clock.advance(1_000);
    expect(await next).toMatchObject({ kind: "unavailable", why: "nothing is there for this node yet" });
  });
});
