import { expect, test } from "vitest";
import { CLUSTER, ENDPOINTS } from "../../../src/core/resource/type-url.ts";
import { snapshotOf } from "../../../src/core/snapshot/snapshot.ts";
import { absentEndpoints } from "../../../src/core/xds/absent.ts";

const digest = (content: Uint8Array | string): string => String(content).padEnd(32, "0");

test.each([
  ["a name", "backend", "0a 07 6261636b656e64"],
  ["a name beyond ASCII", "é✓😀", "0a 09 c3a9e29c93f09f9880"],
  ["half a character", "\ud83d", "0a 03 efbfbd"],
  ["a name of 200 bytes", "x".repeat(200), `0a c801 ${"78".repeat(200)}`],
])("endpoints that are said to be none are an assignment with %s and nothing else", (_, name, hex) => {
  const view = snapshotOf(
    [{ typeUrl: CLUSTER, name: "a", version: "1", bytes: new Uint8Array(), refs: [{ typeUrl: ENDPOINTS, name: "a" }] }],
    digest,
  );
  const absent = absentEndpoints(new Map(), view);
  expect(Buffer.from(absent?.(name)?.bytes ?? []).toString("hex")).toBe(hex.replaceAll(" ", ""));
  expect(absent?.("a")).toBeUndefined();
});
