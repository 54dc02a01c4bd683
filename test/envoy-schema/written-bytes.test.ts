import { type DescField, type DescMessage, fromJson, type JsonValue, ScalarType, toBinary } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CanonicalBytes } from "../../src/envoy/canonical-bytes.ts";
import { readMessage } from "../../src/envoy/canonical-json.ts";
import { Reading } from "../../src/envoy/reading.ts";
import { openRegistry } from "../../src/envoy/registry.ts";
import { readWellKnown } from "../../src/envoy/well-known-json.ts";
import { testSet } from "./codec-fixture.ts";

const { set, envoyVersion } = testSet();
const registry = openRegistry(set);
const messages = [...registry].filter((type) => type.kind === "message");
const written = new CanonicalBytes(registry);

type Random = (below: number) => number;

/** The same numbers for the same seed. */
function randomOf(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
}

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)] as T;

const STRINGS = [
  "",
  "a",
  "name",
  "ä€😀",
  "x".repeat(127),
  "x".repeat(128),
  "é".repeat(70),
  "y".repeat(20_000),
  "__proto__",
];
const INTEGERS = { small: [0, 1, "2", 127, 128, 2_147_483_647], negative: [-1, "-7", -2_147_483_648] };
const LONG = ["9223372036854775807", 9_007_199_254_740_991, "0"];

function scalarJson(random: Random, scalar: ScalarType): unknown {
  switch (scalar) {
    case ScalarType.STRING:
      return pick(random, STRINGS);
    case ScalarType.BOOL:
      return random(2) === 0;
    case ScalarType.BYTES:
      return pick(random, ["", "aGVsbG8=", "aGVsbG8", "-_8", "+/8="]);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return pick(random, [0, -0, 1, 0.1, -1.5, "2.5e3", "NaN", "Infinity", "-Infinity", "-0"]);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return pick(random, [...INTEGERS.small, 4_294_967_295]);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return pick(random, [...INTEGERS.small, ...LONG, "18446744073709551615"]);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return pick(random, [...INTEGERS.small, ...INTEGERS.negative, ...LONG, "-9223372036854775808"]);
    default:
      return pick(random, [...INTEGERS.small, ...INTEGERS.negative]);
  }
}

const STRUCTURE = { b: [1, "two", null, true, { z: 1, a: [] }], a: { deep: {} }, "10": -0.5, "9": false, ä: "" };

/** JSON of the types that have a form of their own in it. */
const WELL_KNOWN: Readonly<Record<string, readonly unknown[]>> = {
  Duration: ["0s", "1s", "-0.5s", "1.000000001s", "-315576000000s", "0.000s", "2147483648.25s", "-3.9s"],
  Timestamp: ["2026-01-31T12:00:00Z", "1969-12-31T23:59:59.5Z", "2026-01-31T12:00:00.123456789+02:00"],
  FieldMask: ["", "a", "userAgent,b.cD"],
  Struct: [{}, STRUCTURE],
  Value: [null, 0, -0, 1.5, "", "text", false, true, [], {}, STRUCTURE],
  ListValue: [[], [null, 1, [STRUCTURE]]],
};

/** google.protobuf.FeatureSet.FieldPresence.LEGACY_REQUIRED: the messages of descriptors themselves have some. */
const REQUIRED = 3;

const PACKED = ["Empty", "Duration", "StringValue", "Int64Value", "Struct", "Any", "Value", "one of Envoy's"];

function messageJson(random: Random, message: DescMessage, depth: number): unknown {
  const own = message.typeName.startsWith("google.protobuf.") ? message.name : "";
  if (own === "Any") return anyJson(random, depth);
  if (own in WELL_KNOWN) return pick(random, WELL_KNOWN[own] as readonly unknown[]);
  if (isWrapperDesc(message)) return scalarJson(random, message.fields[0].scalar);
  const json: Record<string, unknown> = {};
  const oneofs = new Set<unknown>();
  // Backwards, so that the order of the input is not the one of the bytes.
  for (const field of message.fields.toReversed()) {
    const isOut = field.oneof === undefined ? random(3) === 0 && field.presence !== REQUIRED : oneofs.has(field.oneof);
    if (isOut) continue;
    const value = fieldJson(random, field, depth);
    if (value === undefined) continue;
    if (field.oneof !== undefined) oneofs.add(field.oneof);
    json[random(2) === 0 ? field.name : field.jsonName] = value;
  }
  return json;
}

function anyJson(random: Random, depth: number): unknown {
  const name = depth > 0 ? pick(random, PACKED) : "Empty";
  const typed = registry.getMessage(`google.protobuf.${name}`) ?? pick(random, messages);
  const json = messageJson(random, typed, depth - 1);
  const type = { "@type": `type.googleapis.com/${typed.typeName}` };
  return readWellKnown(typed) === undefined ? { ...type, ...(json as object) } : { ...type, value: json };
}

function fieldJson(random: Random, field: DescField, depth: number): unknown {
  const one = (): unknown => {
    if (field.message !== undefined) return depth > 0 ? messageJson(random, field.message, depth - 1) : undefined;
    if (field.enum !== undefined) return pick(random, field.enum.values)[random(2) === 0 ? "name" : "number"];
    return field.scalar === undefined ? undefined : scalarJson(random, field.scalar);
  };
  const some = (): unknown[] => Array.from({ length: random(4) }, one).filter((item) => item !== undefined);
  if (field.fieldKind === "list") return some();
  if (field.fieldKind !== "map") return one();
  const keys = field.mapKey === ScalarType.STRING ? ["z", "a", "10", "9", "", "ä"] : ["1", "10", "9"];
  return Object.fromEntries(some().map((value) => [pick(random, keys), value]));
}

/** Our bytes of the JSON, and protobuf's own; the canonical JSON that both are made of must be without a problem. */
function bothOf(message: DescMessage, json: unknown): { ours: Uint8Array; theirs: Uint8Array } {
  const reading = new Reading(registry, envoyVersion, undefined);
  const canonical = readMessage(reading, message, json);
  expect(reading.problems).toEqual([]);
  const theirs = toBinary(message, fromJson(message, canonical as JsonValue, { registry }));
  return { ours: written.write(message, canonical), theirs };
}

describe("the bytes of canonical JSON are those of protobuf's own writer", () => {
  test("for every message of Envoy's API, with anything in it", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = randomOf(seed);
        for (const message of messages) {
          const { ours, theirs } = bothOf(message, messageJson(random, message, 3));
          if (!Buffer.from(ours.buffer, ours.byteOffset, ours.length).equals(theirs)) {
            expect({ in: message.typeName, ours }).toEqual({ in: message.typeName, ours: theirs });
          }
        }
      }),
      { numRuns: 3 },
    );
  });

  test.each(Object.entries(WELL_KNOWN).flatMap(([name, all]) => all.map((json) => [name, json] as const)))(
    "for the %s %j",
    (name, json) => {
      const message = registry.getMessage(`google.protobuf.${name}`);
      if (message === undefined) throw new Error(`the set has no ${name}`);
      const { ours, theirs } = bothOf(message, json);
      expect(ours).toEqual(theirs);
    },
  );

  test("for one that follows one that could not be written", () => {
    const message = registry.getMessage("envoy.config.cluster.v3.Cluster") as DescMessage;
    expect(() =>
      written.write(message, { name: "a", metadata: { filter_metadata: { x: { y: undefined } } } }),
    ).toThrow();
    const { ours, theirs } = bothOf(message, { name: "b" });
    expect(ours).toEqual(theirs);
  });
});
