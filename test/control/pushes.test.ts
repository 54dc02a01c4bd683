import { expect, test } from "vitest";
import type { Pushes } from "../../src/control/pushes.ts";
import { afterAnswer, afterChange, afterPoll, isPushDue } from "../../src/control/pushes.ts";
import { XdsCounters } from "../../src/control/xds-counters.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { NO_MEMORY } from "../../src/core/xds/memory.ts";
import type { Stream } from "../../src/core/xds/stream.ts";
import { openStream } from "../../src/core/xds/stream.ts";
import { newTypeState } from "../../src/core/xds/type-state.ts";

/** A stream that asks for all clusters, each time in another state. */
function stream(): Stream {
  const subscription = { wildcard: true, legacy: true, names: new Set<string>() };
  const types = new Map([[CLUSTER, { ...newTypeState(CLUSTER), subscription }]]);
  return { ...openStream("delta", "t", NO_MEMORY, 0), types };
}

const response = (nonce: string) => ({ typeUrl: CLUSTER, nonce, version: "1", resources: [], removed: [] });

test("a client that never answers costs one change a type, however many are sent to it", () => {
  const counters = new XdsCounters();
  let pushes: Pushes;
  let before = stream();
  for (let change = 1; change <= 1_000; change += 1) {
    const after = stream();
    pushes = afterChange(pushes, before, after, change);
    pushes = afterPoll(pushes, after, [response(`n${change}`)]);
    before = after;
  }
  expect(pushes).toEqual([{ typeUrl: CLUSTER, since: 1_000, nonce: "n1000" }]);
  expect(afterAnswer(pushes, { kind: "acked", typeUrl: CLUSTER, nonce: "n999" }, 1_001, counters)).toBe(pushes);
  expect(afterAnswer(pushes, { kind: "acked", typeUrl: CLUSTER, nonce: "n1000" }, 1_005, counters)).toBeUndefined();
  expect(counters.of(CLUSTER).pushToAck).toMatchObject({ count: 1, sumMs: 5 });
});

test("a change that has nothing for the stream is over with the next poll", () => {
  const after = stream();
  const pushes = afterChange(undefined, stream(), after, 1);
  expect(isPushDue(pushes)).toBe(true);
  expect(afterPoll(pushes, after, [])).toBeUndefined();
});
