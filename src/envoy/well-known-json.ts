import { type DescMessage, type Registry, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { nearest } from "../core/mesh/nearest.ts";
import { wrongType } from "./complaints.ts";
import { partsOf } from "./duration.ts";
import { emptyObject, isObject } from "./json-kinds.ts";
import { type Reading } from "./reading.ts";
import { typeNameOf, typeUrlOf } from "./registry.ts";
import { scalarComplaint } from "./scalar-json.ts";

/** Reads a message that is inside of the one at hand. */
type ReadMessage = (reading: Reading, message: DescMessage, json: unknown, ignore?: string) => unknown;

/** Reads a message that has a form of its own in JSON. */
export type ReadWellKnown = (reading: Reading, json: unknown, readMessage: ReadMessage) => unknown;

/** How a type is read that has a form of its own in JSON; undefined for all others. */
export function readWellKnown(message: DescMessage): ReadWellKnown | undefined {
  if (!message.typeName.startsWith("google.protobuf.")) return undefined;
  const own = READERS.get(message.typeName);
  if (own !== undefined || !isWrapperDesc(message)) return own;
  const { scalar } = message.fields[0];
  return (reading, json) => {
    const complaint = scalarComplaint(scalar, json);
    return complaint === undefined ? json : reading.complain(complaint);
  };
}

const READERS: ReadonlyMap<string, ReadWellKnown> = new Map([
  ["google.protobuf.Any", readAny],
  ["google.protobuf.Duration", readDuration],
  ["google.protobuf.Timestamp", readTimestamp],
  ["google.protobuf.FieldMask", readFieldMask],
  ["google.protobuf.Struct", readStruct],
  ["google.protobuf.Value", readValue],
  ["google.protobuf.ListValue", readListValue],
]);

function readAny(reading: Reading, json: unknown, readMessage: ReadMessage): unknown {
  if (!isObject(json)) return reading.complain(wrongType("an object with @type", json));
  const typeUrl = json["@type"];
  if (typeof typeUrl !== "string") {
    const hint = "name the message, e.g. type.googleapis.com/envoy.…";
    return reading.complain({ message: "lacks @type", hint, code: "missing-type" });
  }
  const message = reading.registry.getMessage(typeNameOf(typeUrl));
  if (message === undefined) return unknownType(reading, typeUrl);
  const result: Record<string, unknown> = { "@type": typeUrlOf(message) };
  if (readWellKnown(message) !== undefined) {
    result["value"] = valueOfWellKnown(reading, message, json, readMessage);
    return result;
  }
  return Object.assign(result, readMessage(reading, message, json, "@type"));
}

function valueOfWellKnown(
  reading: Reading,
  message: DescMessage,
  json: Readonly<Record<string, unknown>>,
  readMessage: ReadMessage,
): unknown {
  for (const key of Object.keys(json)) {
    if (key === "@type" || key === "value") continue;
    reading.enter(key);
    reading.complain({ message: `a ${message.name} inside of an Any has only @type and value`, code: "unknown-field" });
    reading.leave();
  }
  reading.enter("value");
  const value = readMessage(reading, message, json["value"]);
  reading.leave();
  return value;
}

/** Says, at the `@type` of the object at hand, that the schema has no such message. */
export function unknownType(reading: Reading, typeUrl: string): undefined {
  const meant = similarType(reading.registry, typeNameOf(typeUrl));
  reading.enter("@type");
  reading.complain({
    message: `Envoy ${reading.envoyVersion} has no type ${JSON.stringify(typeUrl.slice(0, 200))}`,
    ...(meant === undefined ? {} : { hint: `did you mean ${typeUrlOf(meant)}?` }),
    code: "unknown-type",
  });
  reading.leave();
}

/** The same message in another package, else one of nearly that name in the same package. */
function similarType(registry: Registry, typeName: string): DescMessage | undefined {
  const dot = typeName.lastIndexOf(".");
  const suffix = typeName.slice(dot).toLowerCase();
  const neighbours = new Map<string, DescMessage>();
  for (const type of registry) {
    if (type.kind !== "message") continue;
    if (type.typeName.toLowerCase().endsWith(suffix)) return type;
    if (type.typeName.startsWith(typeName.slice(0, dot + 1))) neighbours.set(type.name, type);
  }
  return neighbours.get(nearest(typeName.slice(dot + 1), neighbours.keys()) ?? "");
}

const DURATION = /^-?\d{1,12}(?:\.\d{1,9})?s$/;
const DURATION_LIMIT_SECONDS = 315_576_000_000;

function readDuration(reading: Reading, json: unknown): unknown {
  if (typeof json !== "string" || !DURATION.test(json)) {
    return reading.complain({
      message: `expected a duration, not ${typeof json === "string" ? JSON.stringify(json.slice(0, 40)) : typeof json}`,
      hint: 'in seconds, such as "1.5s"',
      code: "wrong-type",
    });
  }
  if (Math.abs(partsOf(json).seconds) <= DURATION_LIMIT_SECONDS) return json;
  return reading.complain({ message: "longer than 10,000 years", code: "out-of-range" });
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

function readTimestamp(reading: Reading, json: unknown): unknown {
  const [, time, zone] = (typeof json === "string" ? TIMESTAMP.exec(json) : undefined) ?? [];
  const ms = Date.parse(`${time}${zone}`);
  if (ms >= Date.parse("0001-01-01T00:00:00Z") && ms <= Date.parse("9999-12-31T23:59:59Z")) return json;
  return reading.complain({
    message: "expected a time",
    hint: "as in RFC 3339, such as 2026-01-31T12:00:00Z",
    code: "wrong-type",
  });
}

function readFieldMask(reading: Reading, json: unknown): unknown {
  if (typeof json === "string" && !json.includes("_")) return json;
  return reading.complain({ ...wrongType("field names", json), hint: "in camelCase, separated by commas" });
}

function readStruct(reading: Reading, json: unknown): unknown {
  if (!isObject(json)) return reading.complain(wrongType("an object", json));
  const result = emptyObject();
  for (const key of Object.keys(json).sort()) {
    if (reading.full) break;
    if (json[key] === undefined) continue;
    reading.enter(key);
    const complaint = scalarComplaint(ScalarType.STRING, key);
    if (complaint !== undefined) reading.complain(complaint);
    result[key] = readNested(reading, json[key]);
    reading.leave();
  }
  return result;
}

function readListValue(reading: Reading, json: unknown): unknown {
  if (!Array.isArray(json)) return reading.complain(wrongType("a list", json));
  const result: unknown[] = [];
  for (let index = 0; index < json.length && !reading.full; index++) {
    reading.enter(index);
    result.push(readNested(reading, json[index]));
    reading.leave();
  }
  return result;
}

/** On the wire a Value inside of a Struct or of a list is one more message. */
function readNested(reading: Reading, json: unknown): unknown {
  if (!reading.descend()) return undefined;
  const value = readValue(reading, json);
  reading.ascend();
  return value;
}

function readValue(reading: Reading, json: unknown): unknown {
  if (json === null || typeof json === "boolean") return json;
  if (typeof json === "string") {
    const complaint = scalarComplaint(ScalarType.STRING, json);
    return complaint === undefined ? json : reading.complain(complaint);
  }
  if (typeof json === "number" && Number.isFinite(json)) return json;
  if (typeof json !== "object") return reading.complain(wrongType("a value of JSON", json));
  if (!reading.descend()) return undefined;
  const value = Array.isArray(json) ? readListValue(reading, json) : readStruct(reading, json);
  reading.ascend();
  return value;
}
