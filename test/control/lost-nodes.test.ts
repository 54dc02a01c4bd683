import { expect, it } from "vitest";
import type { FleetEvent } from "../../src/control/fleet.ts";
import type { LostLimits } from "../../src/control/lost-nodes.ts";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import { Seats } from "../../src/control/seats.ts";
import type { NodeIdentity } from "../../src/core/node/node.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { VirtualClock } from "./virtual-clock.ts";

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
  registry.listen((event: FleetEvent) => {
    seats.onFleet(event);
    if (event.kind === "forgotten") forgotten.push(event.node.id);
  });
  const come = (id: string): (() => void) => {
    const session = registry.open("sotw", { send() {}, end() {} });
    session.onSotw({ typeUrl: CLUSTER, versionInfo: "", names: [], nonce: "" }, identityOf(id));
    return () => session.onClosed();
  };
  const listed = (): string[] => registry.nodes().map(({ identity }) => identity.id);
  return { clock, registry, seats, forgotten, come, listed };
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

it("what a node is not known to have is remembered until it comes back", () => {
  const { registry, come, listed } = registryWith({ count: 1 });
  come("doubted")();
  registry.distrust("doubted", CLUSTER, ["a"]);
  for (const id of ["a", "b"]) come(id)();
  expect(listed()).toEqual(["doubted", "b"]);
});
