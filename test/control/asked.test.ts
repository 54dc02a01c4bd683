import { expect, test } from "vitest";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import { CLUSTER, ENDPOINTS, LISTENER } from "../../src/core/resource/type-url.ts";
import type { Dialect } from "../../src/core/xds/message.ts";
import { settingsWith } from "./settings.ts";

const NODE = { id: "a", cluster: "edge", labels: {}, zone: "", envoyVersion: "" };
const MIB = 1024 ** 2;

/** A stream that asks, and how it was ended. */
function asking(dialect: Dialect) {
  const registry = new NodeRegistry(settingsWith());
  const ends: string[] = [];
  const session = registry.open(dialect, { send() {}, end: (how, why) => void ends.push(`${how}: ${why}`) });
  const edit = (subscribe: readonly string[], unsubscribe: readonly string[] = []): void =>
    session.onDelta({ typeUrl: ENDPOINTS, subscribe, unsubscribe, initialVersions: new Map(), nonce: "" }, NODE);
  const report = (typeUrl: string, names: readonly string[]): void => {
    const initialVersions = new Map(names.map((name) => [name, "1"]));
    session.onDelta({ typeUrl, subscribe: [], unsubscribe: [], initialVersions, nonce: "" }, NODE);
  };
  const ask = (typeUrl: string, names: readonly string[]): void =>
    session.onSotw({ typeUrl, versionInfo: "", names, nonce: "" }, NODE);
  return { registry, ends, edit, report, ask };
}

const long = (mark: number | string): string => `${mark}${"x".repeat(MIB)}`;
const TOLD =
  /^invalid-argument: what this stream asks for and reports takes 26844\d{4} bytes, .* it takes 268435456 at most$/;

test("P58 a delta stream that asks for more and more is ended in words", () => {
  const { registry, ends, edit } = asking("delta");
  let asked = 0;
  for (; ends.length === 0 && asked < 200; asked += 1) edit([long(asked)]);
  // Each weighs two mebibytes and a little: 127 have room.
  expect(asked).toBe(128);
  expect(ends).toEqual([expect.stringMatching(TOLD)]);
  expect(registry.node("a")?.connected).toBe(false);
});

test("one that gives up as much as it asks for goes on for ever, and one that asks for the same again and again", () => {
  const { ends, edit } = asking("delta");
  for (let n = 0; n < 150; n += 1) edit([long(n)], n === 0 ? [] : [long(n - 1)]);
  for (let n = 0; n < 150; n += 1) edit([long("same")]);
  expect(ends).toEqual([]);
});

test("what it says that it has counts too, and of the state of the world what it asks for of all types", () => {
  const delta = asking("delta");
  delta.report(
    CLUSTER,
    Array.from({ length: 100 }, (_, n) => long(n)),
  );
  expect(delta.ends).toEqual([]);
  delta.report(
    LISTENER,
    Array.from({ length: 30 }, (_, n) => long(n)),
  );
  expect(delta.ends).toEqual([expect.stringMatching(/^invalid-argument: what this stream asks for/)]);
  const sotw = asking("sotw");
  const names = Array.from({ length: 60 }, (_, n) => long(n));
  for (let n = 0; n < 10; n += 1) sotw.ask(ENDPOINTS, names);
  sotw.ask(CLUSTER, names);
  expect(sotw.ends).toEqual([]);
  sotw.ask(LISTENER, names);
  expect(sotw.ends).toEqual([expect.stringMatching(/^invalid-argument: what this stream asks for/)]);
});
