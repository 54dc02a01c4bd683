import type { DescEnum, DescField, DescMessage, ScalarType } from "@bufbuild/protobuf";
import { nearest } from "../core/mesh/nearest.ts";
import { type Complaint, wrongType } from "./complaints.ts";
import { checkAbsent, type FieldConstraint, memberOf } from "./constraints.ts";
import { emptyObject, isObject } from "./json-kinds.ts";
import { type MessagePlan, planOf } from "./message-plan.ts";
import { type Reading } from "./reading.ts";
import { mapKeyComplaint, scalarComplaint } from "./scalar-json.ts";

/**
 * JSON of a message in its one canonical form: the proto's names, nulls left out, enums by name, map keys sorted, type
 * URLs in one spelling. Whatever does not fit the message is a problem of the reading; the result is then unusable.
 * `ignore` is a key that is no field, such as the `@type` of what is inside of an Any.
 */
export function readMessage(reading: Reading, message: DescMessage, json: unknown, ignore?: string): unknown {
  if (!reading.descend()) return undefined;
  const plan = planOf(message);
  const { references } = reading;
  if (plan.isOwnStream) reading.references = undefined;
  const result =
    plan.wellKnown === undefined ? readFields(reading, plan, json, ignore) : plan.wellKnown(reading, json, readMessage);
  reading.references = references;
  reading.ascend();
  return result;
}

function readFields(reading: Reading, plan: MessagePlan, json: unknown, ignore: string | undefined): unknown {
  const { message } = plan;
  if (!isObject(json)) return reading.complain(wrongType(`an object (${message.name})`, json));
  const rules = reading.rulesOf(message);
  // The keys are the schema's, so that a plain object holds them, which is read several times as fast.
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(json)) {
    const value = json[key];
    if (reading.full) break;
    if (key === ignore || value === undefined) continue;
    reading.enter(key);
    const field = plan.fields.get(key);
    if (field === undefined) unknownField(reading, plan, key);
    else if (value !== null || takesNull(field)) {
      const other = setBefore(field, result);
      if (other === undefined) result[field.name] = readChecked(reading, field, value, rules?.fields.get(field));
      else reading.complain(excluded(field, key, other, spellingOf(plan, json, other)));
    }
    reading.leave();
  }
  if (rules !== undefined) checkAbsent(reading, rules, result);
  if (reading.references !== undefined) plan.collect?.(reading.references, result);
  return result;
}

function unknownField(reading: Reading, { message, fields }: MessagePlan, key: string): void {
  const meant = nearest(key, fields.keys());
  const some = message.fields.slice(0, 8).map((field) => field.name);
  const more = message.fields.length > some.length ? ", …" : "";
  const hint = meant === undefined ? `it has ${some.join(", ")}${more}` : `did you mean ${meant}?`;
  reading.complain({
    message: `${message.name} has no field ${shown(key)} in Envoy ${reading.envoyVersion}`,
    ...(message.fields.length > 0 ? { hint } : {}),
    code: "unknown-field",
  });
}

/** What a person wrote, as a part of a sentence. */
function shown(word: string): string {
  return JSON.stringify(word.length > 60 ? `${word.slice(0, 60)}…` : word);
}

/** In these two, null is a value; everywhere else it means that the field is not set. */
function takesNull(field: DescField): boolean {
  if (field.fieldKind === "message") return field.message.typeName === "google.protobuf.Value";
  return field.fieldKind === "enum" && field.enum.typeName === "google.protobuf.NullValue";
}

/** The field that this one cannot be set beside: itself, in another spelling, or the other member of a oneof. */
function setBefore(field: DescField, result: Readonly<Record<string, unknown>>): DescField | undefined {
  if (Object.hasOwn(result, field.name)) return field;
  return field.oneof === undefined ? undefined : memberOf(field.oneof, result);
}

function excluded(field: DescField, key: string, other: DescField, first: string): Complaint {
  if (other === field) return { message: `${field.name} is given twice, in two spellings`, code: "duplicate-field" };
  const message = `${key} and ${first} exclude each other: only one of ${field.oneof?.name} may be set`;
  return { message, code: "duplicate-oneof" };
}

/** How a field that is set was spelt. */
function spellingOf({ fields }: MessagePlan, json: Readonly<Record<string, unknown>>, field: DescField): string {
  const isSet = (value: unknown): boolean => value !== undefined && (value !== null || takesNull(field));
  return Object.keys(json).find((key) => fields.get(key) === field && isSet(json[key])) ?? field.name;
}

function readChecked(reading: Reading, field: DescField, json: unknown, rules: FieldConstraint | undefined): unknown {
  if (rules === undefined) return readField(reading, field, json);
  const value = rules.skip
    ? reading.withoutRules(() => readField(reading, field, json))
    : readField(reading, field, json);
  if (value !== undefined) rules.check(reading, value);
  return value;
}

function readField(reading: Reading, field: DescField, json: unknown): unknown {
  switch (field.fieldKind) {
    case "scalar":
      return readScalar(reading, field.scalar, json);
    case "enum":
      return readEnum(reading, field.enum, json);
    case "message":
      return readMessage(reading, field.message, json);
    case "list":
      return readList(reading, field, json);
    case "map":
      return readMap(reading, field, json);
  }
}

function readScalar(reading: Reading, scalar: ScalarType, json: unknown): unknown {
  const complaint = scalarComplaint(scalar, json);
  return complaint === undefined ? json : reading.complain(complaint);
}

function readEnum(reading: Reading, type: DescEnum, json: unknown): unknown {
  if (type.typeName === "google.protobuf.NullValue" && json === null) return null;
  const known = valuesOf(type).get(json);
  if (known !== undefined) return known;
  if (typeof json !== "string" && typeof json !== "number") return reading.complain(wrongType("a name", json));
  const names = type.values.map(({ name }) => name);
  const meant = nearest(String(json), names);
  const hint = meant === undefined ? `one of ${names.slice(0, 10).join(", ")}` : `did you mean ${meant}?`;
  const message = `${shown(String(json))} is no ${type.name}`;
  return reading.complain({ message, hint, code: "unknown-enum-value" });
}

const values = new WeakMap<DescEnum, ReadonlyMap<unknown, string>>();

/** Names by name and by number, of which the first counts where a number has two. */
function valuesOf(type: DescEnum): ReadonlyMap<unknown, string> {
  const cached = values.get(type);
  if (cached !== undefined) return cached;
  const made = new Map<unknown, string>();
  for (const { name, number } of type.values.toReversed()) made.set(number, name).set(name, name);
  values.set(type, made);
  return made;
}

type ListField = DescField & { fieldKind: "list" };
type MapField = DescField & { fieldKind: "map" };

function readList(reading: Reading, field: ListField, json: unknown): unknown {
  if (!Array.isArray(json))
    return reading.complain({ ...wrongType("a list", json), hint: `${field.name} is repeated` });
  const result: unknown[] = [];
  for (let index = 0; index < json.length && !reading.full; index++) {
    reading.enter(index);
    result.push(readElement(reading, field, json[index]));
    reading.leave();
  }
  return result;
}

/** Keys are sorted, since they are written to bytes in the order in which they stand here. */
function readMap(reading: Reading, field: MapField, json: unknown): unknown {
  if (!isObject(json)) return reading.complain(wrongType("an object", json));
  const result = emptyObject();
  for (const key of Object.keys(json).sort()) {
    if (reading.full) break;
    reading.enter(key);
    const complaint = mapKeyComplaint(field.mapKey, key);
    if (complaint === undefined) result[key] = readElement(reading, field, json[key]);
    else reading.complain({ ...complaint, message: `as a key: ${complaint.message}` });
    reading.leave();
  }
  return result;
}

function readElement(reading: Reading, field: ListField | MapField, json: unknown): unknown {
  if (field.message !== undefined) {
    const isNothing = json === undefined || (json === null && field.message.typeName !== "google.protobuf.Value");
    return isNothing
      ? reading.complain(wrongType(field.message.name, json))
      : readMessage(reading, field.message, json);
  }
  if (field.enum !== undefined) return readEnum(reading, field.enum, json);
  return readScalar(reading, field.scalar, json);
}
