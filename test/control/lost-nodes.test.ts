import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import type { FleetEvent, View } from "../../src/control/fleet.ts";
import type { LostLimits } from "../../src/control/lost-nodes.ts";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import { Seats } from "../../src/control/seats.ts";
import type { NodeIdentity } from "../../src/core/node/node.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { snapshotOf } from "../../src/core/snapshot/snapshot.ts";
import { QUIET } from "./quiet-stream.ts";
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

it("P58 what nodes say of themselves is bounded in bytes: of those that say much fewer are listed, the newest", () => {
  const { registry, listed } = registryWith();
  // Weighs 200 KiB and a little: 327 of them have room in 64 MiB.
  const labels = { note: "x".repeat(100 * 1024) };
  for (let n = 0; n < 400; n += 1) {
    const session = registry.open("sotw", { send() {}, end() {} });
    session.onSotw({ typeUrl: CLUSTER, versionInfo: "", names: [], nonce: "" }, { ...identityOf(`${n}`), labels });
    session.onClosed();
  }
  expect(listed().length).toBe(326);
  expect(listed().at(-1)).toBe("399");
});

it("P58 nor are types that a node makes up free: they count as what it says of itself", () => {
  const { registry, listed } = registryWith({ identityBytes: 1 << 20 });
  for (let n = 0; n < 100; n += 1) {
    const session = registry.open("sotw", { send() {}, end() {} });
    for (let type = 0; type < 100; type += 1) {
      const typeUrl = `${type}${"x".repeat(900)}`;
      session.onSotw({ typeUrl, versionInfo: "", names: [], nonce: "" }, identityOf(`${n}`));
    }
    session.onClosed();
  }
  expect(listed()).toEqual(["95", "96", "97", "98", "99"]);
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

function namesOf(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
}

it("of what nodes had only so much is remembered; they stay listed, the fullest memory is not dearer than a name", () => {
  const { come, listed, faded, remembered } = registryWith({ names: 250 });
  for (const id of ["a", "b", "c"]) come(id, namesOf(id, 100))();
  expect(listed()).toEqual(["a", "b", "c"]);
  expect(faded).toEqual(["a"]);
  expect(["a", "b", "c"].map((id) => remembered(id))).toEqual([0, 100, 100]);
});

it("P58 long names count for what they weigh, asked for or reported as had: one of a mebibyte as 8,193", () => {
  const { registry, come, faded, remembered } = registryWith({ names: 20_000 });
  const long = (mark: string) => `${mark}${"x".repeat(1024 ** 2 - 1)}`;
  for (const id of ["a", "b", "c"]) come(id, [long(id)])();
  expect(faded).toEqual(["a"]);
  const session = registry.open("delta", { send() {}, end() {} });
  const initialVersions = new Map(["d", "e"].map((mark) => [long(mark), "1"]));
  const had = { typeUrl: CLUSTER, subscribe: [], unsubscribe: [], initialVersions, nonce: "" };
  session.onDelta(had, identityOf("had"));
  session.onClosed();
  expect(faded).toEqual(["a", "b", "c"]);
  expect(remembered("c")).toBe(0);
});

it("names of a list that many nodes share count once: a fleet of 2,000 with 1,000 names each is remembered whole", () => {
  const { come, faded, remembered } = registryWith();
  const ids = Array.from({ length: 2_000 }, (_, n) => `node-${n}`);
  const leave = ids.map((id) => come(id, namesOf("endpoint", 1_000)));
  for (const go of leave) go();
  expect(faded).toEqual([]);
  expect(ids.filter((id) => remembered(id) !== 1_000)).toEqual([]);
});

it("P58 10,000 made-up nodes with names of their own are remembered only in part, and a fleet beside them whole", () => {
  const limit = 20_000;
  const { come, faded, remembered, listed } = registryWith({ count: 20_000, names: limit });
  const fleet = ["real-1", "real-2", "real-3"];
  for (const id of fleet) come(id, namesOf("endpoint", 1_000))();
  for (let n = 0; n < 10_000; n += 1) come(`made-up-${n}`, namesOf(`own-${n}`, 10))();
  expect(listed()).toHaveLength(10_003);
  const kept = listed().reduce((sum, id) => sum + (fleet.includes(id) ? 0 : remembered(id)), 0);
  expect(kept).toBeLessThanOrEqual(limit - 1_000);
  expect(kept).toBeGreaterThan(limit / 2);
  expect(faded.filter((id) => fleet.includes(id))).toEqual([]);
  expect(fleet.map((id) => remembered(id))).toEqual([1_000, 1_000, 1_000]);
});

it("P58 made-up nodes that share their lists two by two are bounded as well", () => {
  const limit = 2_000;
  const { come, faded, remembered, listed } = registryWith({ names: limit });
  for (let n = 0; n < 1_000; n += 1) {
    come(`a-${n}`, namesOf(`own-${n}`, 10))();
    come(`b-${n}`, namesOf(`own-${n}`, 10))();
  }
  expect(faded.length).toBeGreaterThan(1_500);
  const kept = listed().filter((id) => remembered(id) > 0);
  expect(kept.length * 10).toBeLessThanOrEqual(2 * limit);
});

/** Comes, acknowledges the view, and goes. */
function acknowledging(registry: NodeRegistry, id: string, view: View): void {
  const { entry } = registry.join(identityOf(id), QUIET);
  entry.acked = view;
  registry.leave(entry, QUIET, undefined);
}

function viewOf(prefix: string, count: number): View {
  const named = (name: string) => ({ typeUrl: CLUSTER, name, version: "1", bytes: new Uint8Array(1), refs: [] });
  return { snapshot: snapshotOf(namesOf(prefix, count).map(named), String), revision: 7, group: "edge" };
}

it("P58 a view that only nodes keep which are away counts as what they had, and is let go: its revision stays known", () => {
  const { registry, faded } = registryWith({ names: 250 });
  for (const id of ["a", "b", "c"]) acknowledging(registry, id, viewOf(id, 100));
  expect(faded).toEqual(["a"]);
  const kept = ["a", "b", "c"].map((id) => registry.node(id)?.acked);
  expect(kept.map((view) => view?.snapshot.types.get(CLUSTER)?.resources.size)).toEqual([undefined, 100, 100]);
  expect(kept.map((view) => view?.revision)).toEqual([7, 7, 7]);
});

it("a view goes with all that streams did under it, also where a node that is away had acknowledged it", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { registry } = registryWith();
  const gone = ((): WeakRef<object>[] => {
    const view = viewOf("old", 3);
    acknowledging(registry, "away", view);
    return [view.snapshot, ...(view.snapshot.types.get(CLUSTER)?.resources.values() ?? [])].map(
      (one) => new WeakRef(one),
    );
  })();
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(gone.map((one) => one.deref())).toEqual([undefined, undefined, undefined, undefined]);
  expect(registry.node("away")?.acked?.snapshot.types.get(CLUSTER)?.resources.size).toBe(3);
});

it("a view that many nodes acknowledged counts once", () => {
  const { registry, faded } = registryWith({ names: 250 });
  const view = viewOf("shared", 200);
  for (let n = 0; n < 100; n += 1) acknowledging(registry, `node-${n}`, view);
  expect(faded).toEqual([]);
  const [one, other] = ["node-0", "node-99"].map((id) => registry.node(id)?.acked?.snapshot);
  expect([one === other, one?.digest]).toEqual([true, view.snapshot.digest]);
  expect([...(one?.types.get(CLUSTER)?.resources ?? [])].map(([name, { version }]) => [name, version])).toEqual(
    [...(view.snapshot.types.get(CLUSTER)?.resources ?? [])].map(([name, { version }]) => [name, version]),
  );
});

it("a list counts as long as one of its nodes is away", () => {
  const { come, faded } = registryWith({ names: 150 });
  come("a", namesOf("shared", 100))();
  come("b", namesOf("shared", 100))();
  come("a");
  come("c", namesOf("own", 100))();
  expect(faded).toEqual(["b"]);
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
