import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import type { FleetEvent, View } from "../../src/control/fleet.ts";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import type { XdsSession } from "../../src/control/sessions.ts";
import { Turns } from "../../src/control/turns.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { snapshotOf } from "../../src/core/snapshot/snapshot.ts";
import type { Response } from "../../src/core/xds/message.ts";
import { SnapshotCache, snapshot } from "../../src/index.ts";
import { settingsWith } from "./settings.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** A loop whose time passes only by work, and whose turns are taken one by one. */
class FakeLoop {
  ms = 0;
  #next: (() => void) | undefined;

  now(): number {
    return this.ms;
  }

  next(work: () => void): void {
    expect(this.#next).toBeUndefined();
    this.#next = work;
  }

  /** Takes a turn and says how long it held the loop; undefined where there is none to take. */
  turn(): number | undefined {
    const work = this.#next;
    this.#next = undefined;
    const from = this.ms;
    work?.();
    return work === undefined ? undefined : this.ms - from;
  }

  turns(): number[] {
    const all: number[] = [];
    for (let held = this.turn(); held !== undefined; held = this.turn()) all.push(held);
    return all;
  }
}

const SLICE = { ms: 5, urgentMs: 4 };
const digest = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");

function viewOf(version: string): View {
  const resource = { typeUrl: CLUSTER, name: "a", version, bytes: new Uint8Array(), refs: [] };
  return { snapshot: snapshotOf([resource], digest), revision: 1, group: "g" };
}

/** A registry whose work is done in turns of a loop, and clients in it; to send one response takes `costMs`. */
function fleetOn(loop: FakeLoop, costMs: number, isAssigned = true) {
  const turns = new Turns(loop, SLICE);
  let tag = 0;
  const registry = new NodeRegistry(
    settingsWith({
      clock: new VirtualClock(),
      defer: (work, isUrgent) => turns.defer(work, isUrgent),
      tag: () => `t${(tag += 1)}`,
    }),
  );
  let view = viewOf("1");
  const events: FleetEvent[] = [];
  registry.listen((event) => {
    events.push(event);
    if (event.kind === "connected" && isAssigned) registry.assign(event.node.id, view);
  });
  const come = (id: string): { session: XdsSession; received: Response[]; ack: () => void } => {
    const received: Response[] = [];
    const send = (response: Response): void => {
      loop.ms += costMs;
      received.push(response);
    };
    const session = registry.open("sotw", { send, end() {} });
    const node = { id, cluster: "edge", labels: {}, zone: "", envoyVersion: "" };
    session.onSotw({ typeUrl: CLUSTER, names: [], nonce: "", versionInfo: "" }, node);
    const ack = (): void => {
      const last = received.at(-1) as Response;
      session.onSotw({ typeUrl: CLUSTER, names: [], nonce: last.nonce, versionInfo: last.version }, undefined);
    };
    return { session, received, ack };
  };
  const change = (version: string): void => {
    view = viewOf(version);
    for (const { id } of registry.identities()) registry.assign(id, view);
  };
  return { registry, events, come, change };
}

it("P72 one change to thousands of streams never holds the loop for longer than a slice", () => {
  const loop = new FakeLoop();
  const { come, change } = fleetOn(loop, 0.1);
  const clients = Array.from({ length: 3_000 }, (_, n) => come(`n${n}`));
  loop.turns();
  for (const { ack } of clients) ack();
  loop.turns();
  const before = loop.ms;
  change("2");
  expect(loop.ms).toBe(before);
  const held = loop.turns();
  expect(Math.max(...held)).toBeLessThan(SLICE.ms + 0.2);
  expect(held.length).toBeGreaterThan((3_000 * 0.1) / (SLICE.ms + 0.2));
  expect(clients.filter(({ received }) => received.length !== 2)).toEqual([]);
});

it("P72 a stream that is new gets its first answer before a change goes on to others", () => {
  const loop = new FakeLoop();
  const { come, change } = fleetOn(loop, 1);
  const clients = Array.from({ length: 20 }, (_, n) => come(`n${n}`));
  loop.turns();
  for (const { ack } of clients) ack();
  loop.turns();
  change("2");
  loop.turn();
  const late = come("late");
  loop.turn();
  expect(late.received).toHaveLength(1);
  expect(clients.filter(({ received }) => received.length === 1).length).toBeGreaterThan(5);
});

it("P72 a storm of new streams leaves a part of each slice to those that run", () => {
  const loop = new FakeLoop();
  const turns = new Turns(loop, SLICE);
  const done = { urgent: 0, normal: 0 };
  const work = (lane: "urgent" | "normal") => (): void => {
    loop.ms += 0.5;
    done[lane] += 1;
  };
  for (let n = 0; n < 100; n += 1) turns.defer(work("normal"), false);
  for (let n = 0; n < 1_000; n += 1) turns.defer(work("urgent"), true);
  for (let n = 0; n < 10; n += 1) expect(loop.turn()).toBe(SLICE.ms);
  expect(done).toEqual({ urgent: 80, normal: 20 });
  loop.turns();
  expect(done).toEqual({ urgent: 1_000, normal: 100 });
});

it("work that fails takes none of the rest with it", () => {
  const loop = new FakeLoop();
  const turns = new Turns(loop, SLICE);
  const done: string[] = [];
  turns.defer(() => {
    throw new Error("a defect");
  }, false);
  turns.defer(() => done.push("rest"), false);
  expect(() => loop.turn()).toThrow("a defect");
  loop.turns();
  expect(done).toEqual(["rest"]);
});

it("a node whose turn has not come yet is not in sync with the change, whatever it acknowledges meanwhile", () => {
  const loop = new FakeLoop();
  const { come, change, registry, events } = fleetOn(loop, 1);
  const client = come("n1");
  loop.turns();
  change("2");
  expect(registry.node("n1")?.state).toBe("STALE");
  client.ack();
  expect(events.filter(({ kind }) => kind === "converged")).toEqual([]);
  loop.turns();
  expect([client.received.length, registry.node("n1")?.state]).toEqual([2, "STALE"]);
  client.ack();
  loop.turns();
  expect(registry.node("n1")?.state).toBe("IN_SYNC");
  expect(events.flatMap((event) => (event.kind === "converged" ? [event.view.snapshot.digest] : []))).toEqual([
    viewOf("2").snapshot.digest,
  ]);
});

it("P59 an ACK that leaves nothing to say takes no turn, and one that comes before a change does not keep it back", () => {
  const loop = new FakeLoop();
  const { come, change, registry } = fleetOn(loop, 1);
  const client = come("n1");
  loop.turns();
  client.ack();
  expect([registry.node("n1")?.state, loop.turn()]).toEqual(["IN_SYNC", undefined]);
  change("2");
  loop.turns();
  change("3");
  client.ack();
  expect([client.received.length, registry.node("n1")?.state]).toEqual([2, "STALE"]);
  loop.turns();
  expect(client.received.map(({ resources }) => resources[0]?.version)).toEqual(["1", "2", "3"]);
  client.ack();
  expect([registry.node("n1")?.state, loop.turn()]).toEqual(["IN_SYNC", undefined]);
});

it("P59 changes that come faster than turns are told once, the newest", () => {
  const loop = new FakeLoop();
  const { come, change } = fleetOn(loop, 1);
  const client = come("n1");
  loop.turns();
  client.ack();
  loop.turns();
  for (const version of ["2", "3", "4"]) change(version);
  loop.turns();
  expect(client.received.map(({ resources }) => resources[0]?.version)).toEqual(["1", "4"]);
});

it("P72 whoever changes a group of thousands waits for none of them, and hears at once that they have it not yet", async () => {
  const loop = new FakeLoop();
  const { registry, come } = fleetOn(loop, 0.1, false);
  let asked = 0;
  const cache = new SnapshotCache({ group: () => ((asked += 1), "g") });
  cache.attach(registry);
  const resource = (version: string) => ({ typeUrl: CLUSTER, name: "a", bytes: Buffer.from(version) });
  cache.set("g", snapshot({ resources: [resource("1")] }));
  const clients = Array.from({ length: 1_000 }, (_, n) => come(`n${n}`));
  loop.turns();
  for (const { ack } of clients) ack();
  loop.turns();
  const inSync = await cache.converged("g", { timeoutMs: 0 });
  expect([inSync.acked.length, inSync.pending.length]).toEqual([1_000, 0]);
  const before = asked;
  cache.update("g", { set: [resource("2")] });
  expect(asked).toBe(before);
  const changed = await cache.converged("g", { timeoutMs: 0 });
  expect([changed.acked.length, changed.pending.length]).toEqual([0, 1_000]);
  expect(Math.max(...loop.turns())).toBeLessThan(SLICE.ms + 0.2);
  expect(clients.filter(({ received }) => received.length !== 2)).toEqual([]);
});

it("P59 groups that change while their nodes are gone over are told the newest, each node once or twice", () => {
  const loop = new FakeLoop();
  const { registry, come } = fleetOn(loop, 0.1, false);
  const cache = new SnapshotCache({ group: ({ id }) => (id.endsWith("0") ? "tens" : "others") });
  cache.attach(registry);
  const fill = (group: string, version: string): void => {
    cache.set(group, snapshot({ resources: [{ typeUrl: CLUSTER, name: "a", bytes: Buffer.from(version) }] }));
  };
  for (const group of ["tens", "others"]) fill(group, "1");
  const clients = Array.from({ length: 500 }, (_, n) => come(`n${n}`));
  loop.turns();
  for (const { ack } of clients) ack();
  loop.turns();
  fill("others", "2");
  loop.turn();
  fill("tens", "3");
  fill("others", "3");
  loop.turns();
  for (const { ack } of clients) ack();
  loop.turns();
  const last = clients.map(({ received }) => Buffer.from(received.at(-1)?.resources[0]?.bytes ?? []).toString());
  expect(new Set(last)).toEqual(new Set(["3"]));
  expect(Math.max(...clients.map(({ received }) => received.length))).toBeLessThanOrEqual(3);
});
