import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { CLUSTER, ENDPOINTS } from "../../../src/core/resource/type-url.ts";
import { snapshotOf } from "../../../src/core/snapshot/snapshot.ts";
import { NO_MEMORY } from "../../../src/core/xds/memory.ts";
import { onSotwRequest, openStream, poll, setView } from "../../../src/core/xds/stream.ts";

const digest = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");
const TIMES = { graceMs: 0, holdMs: 0 };

/** Takes every version of two types on one stream, and says the nonce and version of each response. */
function responsesOf(tag: string, versions: readonly string[]): { nonce: string; version: string }[] {
  const said: { nonce: string; version: string }[] = [];
  let stream = openStream("sotw", tag, NO_MEMORY, 0);
  for (const typeUrl of [CLUSTER, ENDPOINTS]) {
    stream = onSotwRequest(stream, { typeUrl, names: ["a"], nonce: "", versionInfo: "" }).stream;
  }
  for (const version of versions) {
    const resources = [CLUSTER, ENDPOINTS].map((typeUrl) => ({
      typeUrl,
      name: "a",
      version,
      bytes: new Uint8Array(),
      refs: [],
    }));
    const step = poll(setView(stream, snapshotOf(resources, digest), 0), 0, TIMES);
    stream = step.stream;
    for (const { typeUrl, nonce, version: versionInfo } of step.responses) {
      said.push({ nonce, version: versionInfo });
      stream = onSotwRequest(stream, { typeUrl, names: ["a"], nonce, versionInfo }).stream;
    }
  }
  return said;
}

test("P15 a nonce is given once, over all types and streams, also where a version comes again; it is no version", () => {
  const versions = ["1", "2", "1", "2", "1"];
  const said = [...responsesOf("one-", versions), ...responsesOf("two-", versions)];
  expect(said).toHaveLength(2 * 2 * versions.length);
  expect(new Set(said.map(({ nonce }) => nonce)).size).toBe(said.length);
  expect(new Set(said.map(({ version }) => version)).size).toBe(2);
  for (const { nonce, version } of said) expect(nonce).not.toContain(version);
});

test("P49 whatever order resources come in, their set has the same version, order and digest", () => {
  const resources = ["b", "a", "c"].flatMap((name) =>
    [CLUSTER, ENDPOINTS].map((typeUrl) => ({ typeUrl, name, version: name, bytes: new Uint8Array(), refs: [] })),
  );
  const one = snapshotOf(resources, digest);
  const other = snapshotOf(resources.toReversed(), digest);
  expect(other.digest).toBe(one.digest);
  for (const [typeUrl, { version, resources: set }] of one.types) {
    expect(other.types.get(typeUrl)?.version).toBe(version);
    expect([...(other.types.get(typeUrl)?.resources.keys() ?? [])]).toEqual([...set.keys()]);
  }
});
