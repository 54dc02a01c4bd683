import { createHash } from "node:crypto";
import { beforeEach, expect, it } from "vitest";
import type { FleetEvent, View } from "../../src/control/fleet.ts";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import { limitAges } from "../../src/control/stream-ages.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { snapshotOf } from "../../src/core/snapshot/snapshot.ts";
import type { ErrorDetail, Response } from "../../src/core/xds/message.ts";
import type { NackPolicy } from "../../src/core/xds/nack-policy.ts";
import { settingsWith } from "./settings.ts";
import { VirtualClock } from "./virtual-clock.ts";

const AGE_MS = 30 * 60_000;
const SECOND_MS = 1_000;
const digest = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");

function viewOf(version: string): View {
  const resource = { typeUrl: CLUSTER, name: "a", version, bytes: new Uint8Array(), refs: [] };
  return { snapshot: snapshotOf([resource], digest), revision: 1, group: "g" };
}

let clock: VirtualClock;
let registry: NodeRegistry;
let work: (() => void)[];
let view: View;
let ended: { id: string; how: string; at: number }[];

beforeEach(() => {
  clock = new VirtualClock(0);
  work = [];
  view = viewOf("1");
  ended = [];
  registry = newRegistry();
});

function newRegistry(onNack: NackPolicy = "park"): NodeRegistry {
  let tags = 0;
  const made = new NodeRegistry(
    settingsWith({
      clock,
      times: { graceMs: 1_000, holdMs: 5_000, onNack: () => onNack },
      defer: (job) => void work.push(job),
      tag: () => (tags += 1).toString(36).padStart(3, "0"),
    }),
  );
  made.listen((event: FleetEvent) => {
    if (event.kind === "connected") made.assign(event.node.id, view);
  });
  return made;
}

function settle(): void {
  for (const job of work.splice(0)) job();
}

function come(id: string) {
  let last: Response | undefined;
  const session = registry.open("sotw", {
    send: (response) => (last = response),
    end: (how) => void ended.push({ id, how, at: clock.now() }),
  });
  const ask = (nonce = "", versionInfo = "", error?: ErrorDetail): void => {
    const node = { id, cluster: "edge", labels: {}, zone: "", envoyVersion: "" };
    session.onSotw({ typeUrl: CLUSTER, names: [], nonce, versionInfo, ...(error !== undefined && { error }) }, node);
    settle();
  };
  ask();
  return {
    ack: () => ask(last?.nonce, last?.version),
    nack: () => ask(last?.nonce, "", { code: 13, message: "Error adding/updating cluster(s) a: no" }),
  };
}

it("P72 streams of a fleet that came at once are ended with OK about their age, a few at a time", () => {
  const stop = limitAges(registry, { clock, ageMs: AGE_MS });
  for (let n = 0; n < 600; n += 1) come(`n${n}`).ack();
  clock.advance(0.8 * AGE_MS - SECOND_MS);
  expect(ended).toEqual([]);
  clock.advance(0.4 * AGE_MS + 2 * SECOND_MS);
  expect(ended).toHaveLength(600);
  expect(new Set(ended.map(({ how }) => how))).toEqual(new Set(["aged"]));
  const perMinute = new Map<number, number>();
  for (const { at } of ended) {
    const minute = Math.floor(at / 60_000);
    perMinute.set(minute, (perMinute.get(minute) ?? 0) + 1);
  }
  expect(perMinute.size).toBeGreaterThanOrEqual(12);
  expect(Math.max(...perMinute.values())).toBeLessThan(80);
  stop();
  expect(clock.pending).toBe(0);
});

it("a stream that has not answered yet, and a node that has not what it should, are not ended", () => {
  limitAges(registry, { clock, ageMs: AGE_MS });
  const client = come("n1");
  clock.advance(3 * AGE_MS);
  expect(ended).toEqual([]);
  client.ack();
  view = viewOf("2");
  registry.assign("n1", view);
  clock.advance(AGE_MS);
  expect(ended).toEqual([]);
  settle();
  clock.advance(AGE_MS);
  expect(ended).toEqual([]);
  client.ack();
  clock.advance(2 * SECOND_MS);
  expect(ended).toMatchObject([{ id: "n1", how: "aged" }]);
});

it("while it is said that nothing may be ended, nothing is; afterwards not all that have waited go at once", () => {
  let mayEnd = false;
  limitAges(registry, { clock, ageMs: AGE_MS, mayEnd: () => mayEnd });
  for (let n = 0; n < 600; n += 1) come(`n${n}`).ack();
  clock.advance(2 * AGE_MS);
  expect(ended).toEqual([]);
  mayEnd = true;
  clock.advance(SECOND_MS);
  expect(ended).toHaveLength(5);
  clock.advance(600 * SECOND_MS);
  expect(ended).toHaveLength(600);
});

it("a stream that comes in place of one that was ended lives as long again", () => {
  limitAges(registry, { clock, ageMs: AGE_MS });
  come("n1").ack();
  clock.advance(1.3 * AGE_MS);
  expect(ended).toHaveLength(1);
  come("n1").ack();
  clock.advance(0.7 * AGE_MS);
  expect(ended).toHaveLength(1);
});

const POLICIES: readonly NackPolicy[] = ["park", "quarantine", "rollback"];

it.each(POLICIES)(
  "a stream of a node that has refused what it should have grows no older than others: %s",
  (policy) => {
    registry = newRegistry(policy);
    limitAges(registry, { clock, ageMs: AGE_MS });
    const client = come("n1");
    client.ack();
    registry.assign("n1", viewOf("2"));
    settle();
    client.nack();
    client.ack();
    expect(registry.node("n1")?.state).toBe("REFUSED");
    clock.advance(1.2 * AGE_MS + 2 * SECOND_MS);
    expect(ended).toMatchObject([{ id: "n1", how: "aged" }]);
  },
);

it("a stream on which refused content is to be tried again is not ended before that", () => {
  registry = newRegistry({ retry: { afterMs: 2 * AGE_MS, atMostMs: 2 * AGE_MS, attempts: 1 } });
  limitAges(registry, { clock, ageMs: AGE_MS });
  const client = come("n1");
  client.nack();
  clock.advance(1.9 * AGE_MS);
  expect(ended).toEqual([]);
  clock.advance(0.2 * AGE_MS);
  settle();
  client.ack();
  clock.advance(2 * SECOND_MS);
  expect(ended).toMatchObject([{ id: "n1", how: "aged" }]);
});
