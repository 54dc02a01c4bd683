import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { CLUSTER, ENDPOINTS } from "../../../src/core/resource/type-url.ts";
import type { Snapshot } from "../../../src/core/snapshot/snapshot.ts";
import { snapshotOf } from "../../../src/core/snapshot/snapshot.ts";
import { NO_MEMORY } from "../../../src/core/xds/memory.ts";
import type { Stream } from "../../../src/core/xds/stream.ts";
import { onSotwRequest, openStream, poll, setView } from "../../../src/core/xds/stream.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const VIEWS = 20;

/** A view whose clusters are another each time, and whose endpoints are always the same. */
function viewOf(version: string): Snapshot {
  const of = (typeUrl: string, content: string) => ({
    typeUrl,
    name: "a",
    version: content,
    bytes: new Uint8Array(1),
    refs: [],
  });
  return snapshotOf([of(CLUSTER, version), of(ENDPOINTS, "1")], String);
}

/** A stream that goes on from view to view; keeps hold of nothing but the stream and, where it is to, the first view. */
async function throughViews(typeUrl: string, keepFirst: boolean) {
  const times = { graceMs: 1_000, holdMs: 5_000 };
  const seen: WeakRef<Snapshot>[] = [];
  const kept: Snapshot[] = [];
  let stream: Stream = openStream("sotw", "t", NO_MEMORY, 0);
  for (let n = 0; n < VIEWS; n += 1) {
    const view = viewOf(String(n));
    if (keepFirst && n === 0) kept.push(view);
    seen.push(new WeakRef(view));
    stream = setView(stream, view, n);
    if (n === 0) stream = onSotwRequest(stream, { typeUrl, names: ["a"], versionInfo: "", nonce: "" }).stream;
    const { stream: next, responses } = poll(stream, n, times);
    stream = next;
    for (const { nonce, version } of responses)
      stream = onSotwRequest(stream, { typeUrl, names: ["a"], versionInfo: version, nonce }).stream;
  }
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  return { stream, kept, alive: seen.flatMap((view, n) => (view.deref() === undefined ? [] : [n])) };
}

describe("of the views that a stream has had only the last one stays,", () => {
  test("whether they change what it asked for or not", async () => {
    for (const typeUrl of [CLUSTER, ENDPOINTS]) {
      const { alive, stream } = await throughViews(typeUrl, false);
      expect([alive, stream.types.size]).toEqual([[VIEWS - 1], 1]);
    }
  });

  test("and an old one that somebody keeps does not keep those that came after it", async () => {
    for (const typeUrl of [CLUSTER, ENDPOINTS]) {
      const { alive, kept } = await throughViews(typeUrl, true);
      expect([alive, kept.length]).toEqual([[0, VIEWS - 1], 1]);
    }
  });
});
