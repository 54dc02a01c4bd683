import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../src/core/mesh/canonical.ts";
import { formatDuration, parseDuration } from "../../src/core/mesh/duration.ts";

describe("canonical JSON", () => {
  it("is the same text for the same content, whatever the order of keys", () => {
    expect(canonicalJson({ b: [1, { d: null, c: "é" }], a: true, gone: undefined })).toBe(
      '{"a":true,"b":[1,{"c":"é","d":null}]}',
    );
  });

  it("reads back as what JSON would, and does not depend on the order in which keys were put in", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(JSON.parse(text)))).toBe(text);
      }),
    );
  });
});

describe("durations", () => {
  it.each([
    ["1h30m", 5_400_000],
    ["5s", 5_000],
    ["500ms", 500],
    ["1d", 86_400_000],
    ["0s", 0],
    ["1m", 60_000],
    ["2d3h4m5s6ms", 183_845_006],
  ])("%s", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "5", "s", "1.5s", "-1s", "1m1h", "5 s", "1H", "1s1s", "9".repeat(500)])("%s is none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it("read back as what they are", () => {
    fc.assert(
      fc.property(fc.nat(10_000_000_000), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, child]) => [key, reversed(child)]),
  );
}
