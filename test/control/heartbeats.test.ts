import { beforeEach, describe, expect, test } from "vitest";
import type { FleetEvent } from "../../src/control/fleet.ts";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import type { XdsSession } from "../../src/control/sessions.ts";
import type { NodeIdentity } from "../../src/core/node/node.ts";
import { RUNTIME } from "../../src/core/resource/type-url.ts";
import { snapshotOf } from "../../src/core/snapshot/snapshot.ts";
import type { Response } from "../../src/core/xds/message.ts";
import { settingsWith } from "./settings.ts";
import { VirtualClock } from "./virtual-clock.ts";

const NODE: NodeIdentity = { id: "n1", cluster: "edge", labels: {}, zone: "", envoyVersion: "1.40.0" };
const fault = { typeUrl: RUNTIME, name: "fault", version: "1", bytes: new Uint8Array(), refs: [], ttlMs: 900 };
const view = { snapshot: snapshotOf([fault], String), revision: 1, group: "g" };

let clock: VirtualClock;
let registry: NodeRegistry;
let received: Response[];
let events: string[];
let work: (() => void)[];
let session: XdsSession;

function settle(): void {
  for (const job of work.splice(0)) job();
}

/** A delta client; it answers everything that it has received and not answered yet, as an Envoy does. */
function ask(names: readonly string[], node?: NodeIdentity): void {
  session.onDelta({ typeUrl: RUNTIME, subscribe: names, unsubscribe: [], initialVersions: new Map(), nonce: "" }, node);
  settle();
}

function answer(): void {
  const nonce = received.at(-1)?.nonce ?? "";
  session.onDelta({ typeUrl: RUNTIME, subscribe: [], unsubscribe: [], initialVersions: new Map(), nonce }, undefined);
  settle();
}

beforeEach(() => {
  clock = new VirtualClock();
  [work, received, events] = [[], [], []];
  registry = new NodeRegistry(settingsWith({ clock, defer: (job) => void work.push(job), tag: () => "t-" }));
  registry.listen(({ kind }: FleetEvent) => events.push(kind));
  session = registry.open("delta", { send: (response) => received.push(response), end: () => {} });
  ask(["fault"], NODE);
  registry.assign("n1", view);
  settle();
  answer();
});

describe("heartbeats of what has a time to live", () => {
  test("P53 come every third of it, without content, and nobody takes their answers for news", () => {
    expect(received).toHaveLength(1);
    const news = events.length;
    for (let beat = 1; beat <= 10; beat += 1) {
      clock.advance(299);
      expect(received).toHaveLength(beat);
      clock.advance(1);
      expect(received).toHaveLength(beat + 1);
      expect(received.at(-1)?.resources).toEqual([{ ...fault, isBodiless: true }]);
      expect(registry.node("n1")?.state).toBe("IN_SYNC");
      answer();
      expect(registry.node("n1")?.types.get(RUNTIME)?.state).toBe("SYNCED");
    }
    expect(events.slice(news)).toEqual([]);
  });

  test("P53 end with the subscription and with the stream: no timer is left", () => {
    session.onDelta(
      { typeUrl: RUNTIME, subscribe: [], unsubscribe: ["fault"], initialVersions: new Map(), nonce: "" },
      undefined,
    );
    settle();
    clock.advance(60_000);
    expect(received).toHaveLength(1);
    expect(clock.pending).toBe(0);
    ask(["fault"]);
    answer();
    expect(clock.pending).toBe(1);
    session.onClosed();
    expect(clock.pending).toBe(0);
    clock.advance(60_000);
    expect(received).toHaveLength(2);
  });

  test("P53 wait for the client: one that does not answer is not sent another", () => {
    clock.advance(300);
    clock.advance(60_000);
    expect(received).toHaveLength(2);
    answer();
    expect(received).toHaveLength(3);
  });
});
