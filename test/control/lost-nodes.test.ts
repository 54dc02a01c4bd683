import { expect, it } from "vitest";
import type { FleetEvent } from "../../src/control/fleet.ts";
import type { LostLimits } from "../../src/control/lost-nodes.ts";
import type { LiveStream } from "../../src/control/node-entry.ts";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import { Seats } from "../../src/control/seats.ts";
import type { NodeIdentity } from "../../src/core/node/node.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** A stream that says nothing. */
const QUIET: LiveStream = {
  scope: undefined,
  stream: undefined,
  adopt() {},
  refresh() {},
  owe() {},
  wake() {},
  end() {},
};

const HOUR_MS = 60 * 60_000;

function identityOf(id: string): NodeIdentity {
  return { id, cluster: "edge", labels: {}, zone: "", envoyVersion: "" };
}

function registryWith(limits: Partial<LostLimits> = {}) {
  const clock = new VirtualClock();
  const times = { graceMs: 1_000, holdMs: 5_000 };
  const settings = { clock, times, defer: () => {}, tag: () => "t", redact: (text: string) => text };
  const registry = new NodeRegistry(settings, limits);
  const seats = new Seats([]);
  const forgotten: string[] = [];
  const faded: string[] = [];
  registry.listen((event: FleetEvent) => {
    seats.onFleet(event);
    if (event.kind === "forgotten") forgotten.push(event.node.id);
    if (event.kind === "faded") faded.push(event.node.id);
  });
  const come = (id: string, names: readonly string[] = []): (() => void) => {
    const session = registry.open("sotw", { send() {}, end() {} });
    session.onSotw({ typeUrl: CLUSTER, versionInfo: "", names, nonce: "" }, identityOf(id));
    return () => session.onClosed();
  };
  const listed = (): string[] => registry.nodes().map(({ identity }) => identity.id);
  const join = (id: string) => registry.join(identityOf(id), QUIET).memory;
  const remembered = (id: string): number => join(id).types.get(CLUSTER)?.subscription?.names.size ?? 0;
  const doubtsOf = (id: string) => [...join(id).distrusted.values()];
  return { clock, registry, seats, forgotten, faded, come, listed, remembered, doubtsOf };
}

it("a node that went away is listed for a day, and is forgotten at the first that goes after that", () => {
  const { clock, come, listed, forgotten, seats } = registryWith();
  come("old")();
  clock.advance(23 * HOUR_MS);
  come("young")();
  expect(listed()).toEqual(["old", "young"]);
  clock.advance(HOUR_MS);
  come("now")();
  expect(listed()).toEqual(["young", "now"]);
  expect(forgotten).toEqual(["old"]);
  expect([...seats.all().keys()]).toEqual(["young", "now"]);
});

it("P58 of a flood of names the newest stay, and memory with them", () => {
  const { come, listed, forgotten, seats } = registryWith();
  const stay = come("real");
  for (let n = 0; n < 10_500; n++) come(`made-up-${n}`)();
  expect(listed()).toHaveLength(10_001);
  expect(listed()[0]).toBe("real");
  expect([forgotten.length, forgotten[0], seats.all().size]).toEqual([500, "made-up-0", 10_001]);
  stay();
});

it("a node that is here is never forgotten, nor one that came back, however long it was away", () => {
  const { clock, come, listed } = registryWith({ count: 1 });
  come("here");
  come("away")();
  const back = come("away");
  for (const id of ["a", "b", "c"]) {
    come(id)();
    clock.advance(48 * HOUR_MS);
  }
  expect(listed()).toEqual(["here", "away", "c"]);
  back();
  expect(listed()).toEqual(["here", "away"]);
});

it("of what nodes had only so much is remembered; they stay listed, the fullest memory is not dearer than a name", () => {
  const { come, listed, faded, remembered } = registryWith({ names: 250 });
  const names = Array.from({ length: 100 }, (_, n) => `n${n}`);
  for (const id of ["a", "b", "c"]) come(id, names)();
  expect(listed()).toEqual(["a", "b", "c"]);
  expect(faded).toEqual(["a"]);
  expect(["a", "b", "c"].map((id) => remembered(id))).toEqual([0, 100, 100]);
});

it("what is in doubt of a node that is not here is known when it comes, and it is not listed before", () => {
  const { registry, come, listed, doubtsOf } = registryWith({ count: 1 });
  registry.distrust("never-seen", CLUSTER, ["a"]);
  come("gone")();
  come("other")();
  registry.distrust("gone", CLUSTER, ["b"]);
  expect(listed()).toEqual(["other"]);
  expect([doubtsOf("never-seen"), doubtsOf("gone")]).toEqual([[["a"]], [["b"]]]);
});
