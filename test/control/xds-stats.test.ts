import { createHash } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { View } from "../../src/control/fleet.ts";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import type { XdsSession } from "../../src/control/sessions.ts";
import { CLUSTER, ENDPOINTS } from "../../src/core/resource/type-url.ts";
import { snapshotOf } from "../../src/core/snapshot/snapshot.ts";
import type { Dialect, Response } from "../../src/core/xds/message.ts";
import { settingsWith } from "./settings.ts";
import { VirtualClock } from "./virtual-clock.ts";

const digest = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");
const NODE = { id: "n1", cluster: "edge", labels: {}, zone: "", envoyVersion: "1.40.0" };

const resource = (typeUrl: string, name: string, version: string) => ({
  typeUrl,
  name,
  version,
  bytes: new Uint8Array(),
  refs: [],
});
const viewOf = (clusters: string, endpoints = "1"): View => ({
  snapshot: snapshotOf([resource(CLUSTER, "a", clusters), resource(ENDPOINTS, "a", endpoints)], digest),
  revision: 1,
  group: "g",
});

let clock: VirtualClock;
let registry: NodeRegistry;
let work: (() => void)[];

beforeEach(() => {
  clock = new VirtualClock();
  work = [];
  registry = new NodeRegistry(settingsWith({ clock, defer: (job) => void work.push(job) }));
});

function settle(): void {
  for (const job of work.splice(0)) job();
}

describe.each(["sotw", "delta"] as const)("what is counted of a stream, %s", (dialect: Dialect) => {
  let received: Response[];
  let session: XdsSession;

  beforeEach(() => {
    received = [];
    const sink = { send: (response: Response) => void received.push(response), end() {} };
    session = registry.open(dialect, sink);
  });

  function ask(typeUrl: string, nonce = "", error?: string): void {
    const detail = error === undefined ? {} : { error: { code: 13, message: error } };
    const names = typeUrl === ENDPOINTS ? ["a"] : [];
    if (dialect === "sotw") {
      const versionInfo = error === undefined ? (received.at(-1)?.version ?? "") : "";
      session.onSotw({ typeUrl, names, versionInfo, nonce, ...detail }, nonce === "" ? NODE : undefined);
    } else {
      const subscribe = nonce === "" ? names : [];
      session.onDelta(
        { typeUrl, subscribe, unsubscribe: [], initialVersions: new Map(), nonce, ...detail },
        nonce === "" ? NODE : undefined,
      );
    }
    settle();
  }
  const answer = (error?: string): void => {
    const last = received.at(-1) as Response;
    ask(last.typeUrl, last.nonce, error);
  };
  const assign = (view: View): void => {
    registry.assign("n1", view);
    settle();
  };
  const latencies = (typeUrl: string) => registry.stats().types[typeUrl]?.pushToAck;

  test("it is open until it is closed, whoever closes it, and counted once", () => {
    expect(registry.stats().streams).toEqual({ sotw: 0, delta: 0, [dialect]: 1 });
    session.onClosed();
    session.onClosed();
    expect(registry.stats().streams).toEqual({ sotw: 0, delta: 0 });
  });

  test("the time from a change to its ACK, and neither first answers nor what is asked for later", () => {
    ask(CLUSTER);
    assign(viewOf("1"));
    clock.advance(100);
    answer();
    expect(latencies(CLUSTER)?.count).toBe(0);
    clock.advance(60_000);
    assign(viewOf("2"));
    clock.advance(30);
    answer();
    expect(latencies(CLUSTER)).toMatchObject({ count: 1, sumMs: 30 });
    clock.advance(60_000);
    ask(ENDPOINTS);
    answer();
    expect(latencies(ENDPOINTS)?.count).toBe(0);
    assign(viewOf("2", "2"));
    clock.advance(7);
    answer();
    expect(latencies(ENDPOINTS)).toMatchObject({ count: 1, sumMs: 7 });
    expect(latencies(CLUSTER)?.count).toBe(1);
  });

  test("a change that waits for the ACK of another is measured from its own moment; one that is overtaken is counted", () => {
    ask(CLUSTER);
    assign(viewOf("1"));
    answer();
    assign(viewOf("2"));
    clock.advance(10);
    assign(viewOf("3"));
    clock.advance(10);
    assign(viewOf("4"));
    expect(registry.stats().overtaken).toBe(1);
    clock.advance(10);
    answer();
    expect(latencies(CLUSTER)).toMatchObject({ count: 1, sumMs: 30 });
    clock.advance(5);
    answer();
    expect(latencies(CLUSTER)).toMatchObject({ count: 2, sumMs: 30 + 25 });
    expect(received).toHaveLength(3);
  });

  test("a view that is overtaken before the node's turn comes is counted too", () => {
    ask(CLUSTER);
    assign(viewOf("1"));
    answer();
    registry.assign("n1", viewOf("2"));
    registry.assign("n1", viewOf("3"));
    settle();
    expect(registry.stats().overtaken).toBe(1);
  });

  test("a refusal is counted by type, is no latency, and parks what was refused until there is something else", () => {
    ask(CLUSTER);
    assign(viewOf("1"));
    answer();
    assign(viewOf("2"));
    answer("no");
    const { types, parked } = registry.stats();
    expect(types[CLUSTER]).toMatchObject({ acks: 1, nacks: 1, pushToAck: { count: 0 } });
    expect(parked).toBe(1);
    assign(viewOf("3"));
    answer();
    expect(registry.stats()).toMatchObject({ parked: 0, types: { [CLUSTER]: { acks: 2, pushToAck: { count: 1 } } } });
  });

  test("numbers do not grow with nodes or types, whatever clients ask for (P58)", () => {
    const shape = (value: unknown): unknown => JSON.stringify(value, (_, one) => (typeof one === "number" ? 0 : one));
    const before = shape(registry.stats());
    ask("type.googleapis.com/made.up.Type");
    expect(shape(registry.stats())).toBe(before);
  });
});
