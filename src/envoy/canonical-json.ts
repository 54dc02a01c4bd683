import type { DescEnum, DescField, DescMessage, DescOneof, ScalarType } from "@bufbuild/protobuf";
import { nearest } from "../core/mesh/nearest.ts";
import { type Complaint, wrongType } from "./complaints.ts";
import { checkAbsent, type FieldConstraint, memberOf } from "./constraints.ts";
import { emptyObject, isObject } from "./json-kinds.ts";
import { type Reading } from "./reading.ts";
import { type Collect, collectorOf, OWN_STREAMS } from "./references.ts";
import { mapKeyComplaint, scalarComplaint } from "./scalar-json.ts";
import { type ReadWellKnown, readWellKnown } from "./well-known-json.ts";

/** Reads a value that is there. */
type Read = (reading: Reading, json: unknown) => unknown;

/** What of a field counts where its JSON is read. */
interface FieldPlan {
  readonly field: DescField;
  readonly name: string;
  readonly oneof: DescOneof | undefined;
  readonly read: Read;
}

/** What of a message counts where its JSON is read, found out once for each. */
interface MessagePlan {
  readonly message: DescMessage;
  /** By both spellings of their names. */
  readonly fields: ReadonlyMap<string, FieldPlan>;
  /** How it is read that has a form of its own in JSON. */
  readonly wellKnown: ReadWellKnown | undefined;
  /** How its own references are found, where it has any. */
  readonly collect: Collect | undefined;
  /** What it refers to is none of ours. */
  readonly isOwnStream: boolean;
}

const plans = new WeakMap<DescMessage, MessagePlan>();

function planOf(message: DescMessage): MessagePlan {
  const known = plans.get(message);
  if (known !== undefined) return known;
  const plan = {
    message,
    fields: new Map(message.fields.flatMap(spelt)),
    wellKnown: readWellKnown(message),
    collect: collectorOf(message),
    isOwnStream: message.typeName === OWN_STREAMS,
  };
  plans.set(message, plan);
  return plan;
}

function spelt(field: DescField): readonly (readonly [string, FieldPlan])[] {
  const plan = { field, name: field.name, oneof: field.oneof, read: readerOf(field) };
  return [
    [field.jsonName, plan],
    [field.name, plan],
  ];
}

/**
 * JSON of a message in its one canonical form: the proto's names, nulls left out, enums by name, map keys sorted, type
 * URLs in one spelling. Whatever does not fit the message is a problem of the reading; the result is then unusable.
 * `ignore` is a key that is no field, such as the `@type` of what is inside of an Any.
 */
export function readMessage(reading: Reading, message: DescMessage, json: unknown, ignore?: string): unknown {
  return readPlanned(reading, planOf(message), json, ignore);
}

function readPlanned(reading: Reading, plan: MessagePlan, json: unknown, ignore?: string): unknown {
  if (!reading.descend()) return undefined;
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
    const known = plan.fields.get(key);
    if (known === undefined) unknownField(reading, plan, key);
    else if (value !== null || takesNull(known.field)) {
      const { field, name, read } = known;
      const other = setBefore(known, result);
      if (other === undefined) result[name] = readChecked(reading, read, value, rules?.fields.get(field));
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
function setBefore(
  { field, name, oneof }: FieldPlan,
  result: Readonly<Record<string, unknown>>,
): DescField | undefined {
  if (Object.hasOwn(result, name)) return field;
  return oneof === undefined ? undefined : memberOf(oneof, result);
}

function excluded(field: DescField, key: string, other: DescField, first: string): Complaint {
  if (other === field) return { message: `${field.name} is given twice, in two spellings`, code: "duplicate-field" };
  const message = `${key} and ${first} exclude each other: only one of ${field.oneof?.name} may be set`;
  return { message, code: "duplicate-oneof" };
}

/** How a field that is set was spelt. */
function spellingOf({ fields }: MessagePlan, json: Readonly<Record<string, unknown>>, field: DescField): string {
  const isSet = (value: unknown): boolean => value !== undefined && (value !== null || takesNull(field));
  return Object.keys(json).find((key) => fields.get(key)?.field === field && isSet(json[key])) ?? field.name;
}

function readChecked(reading: Reading, read: Read, json: unknown, rules: FieldConstraint | undefined): unknown {
  if (rules === undefined) return read(reading, json);
  const value = rules.skip ? reading.withoutRules(() => read(reading, json)) : read(reading, json);
  if (value !== undefined) rules.check(reading, value);
  return value;
}

/** How the values of a field are read: found out once for each field, and not again for each value. */
function readerOf(field: DescField): Read {
  switch (field.fieldKind) {
    case "scalar":
      return scalarReader(field.scalar);
    case "enum":
      return enumReader(field.enum);
    case "message":
      return messageReader(field.message);
    case "list":
      return listReader(field);
    case "map":
      return mapReader(field);
  }
}

function scalarReader(scalar: ScalarType): Read {
  return (reading, json) => {
    const complaint = scalarComplaint(scalar, json);
    return complaint === undefined ? json : reading.complain(complaint);
  };
}

/** Names by name and by number, of which the first counts where a number has two. */
function enumReader(type: DescEnum): Read {
  const known = new Map<unknown, string | null>();
  for (const { name, number } of type.values.toReversed()) known.set(number, name).set(name, name);
  if (type.typeName === "google.protobuf.NullValue") known.set(null, null);
  return (reading, json) => {
    const value = known.get(json);
    return value === undefined ? unknownValue(reading, type, json) : value;
  };
}

function unknownValue(reading: Reading, type: DescEnum, json: unknown): undefined {
  if (typeof json !== "string" && typeof json !== "number") return reading.complain(wrongType("a name", json));
  const names = type.values.map(({ name }) => name);
  const meant = nearest(String(json), names);
  const hint = meant === undefined ? `one of ${names.slice(0, 10).join(", ")}` : `did you mean ${meant}?`;
  const message = `${shown(String(json))} is no ${type.name}`;
  return reading.complain({ message, hint, code: "unknown-enum-value" });
}

function messageReader(message: DescMessage): Read {
  let plan: MessagePlan | undefined;
  return (reading, json) => readPlanned(reading, (plan ??= planOf(message)), json);
}

type ListField = DescField & { fieldKind: "list" };
type MapField = DescField & { fieldKind: "map" };

function listReader(field: ListField): Read {
  const read = elementReader(field);
  return (reading, json) => {
    if (!Array.isArray(json))
      return reading.complain({ ...wrongType("a list", json), hint: `${field.name} is repeated` });
    const result: unknown[] = [];
    for (let index = 0; index < json.length && !reading.full; index++) {
      reading.enter(index);
      result.push(read(reading, json[index]));
      reading.leave();
    }
    return result;
  };
}

/** Keys are sorted, since they are written to bytes in the order in which they stand here. */
function mapReader(field: MapField): Read {
  const read = elementReader(field);
  return (reading, json) => {
    if (!isObject(json)) return reading.complain(wrongType("an object", json));
    const result = emptyObject();
    for (const key of Object.keys(json).sort()) {
      if (reading.full) break;
      reading.enter(key);
      const complaint = mapKeyComplaint(field.mapKey, key);
      if (complaint === undefined) result[key] = read(reading, json[key]);
      else reading.complain({ ...complaint, message: `as a key: ${complaint.message}` });
      reading.leave();
    }
    return result;
  };
}

function elementReader(field: ListField | MapField): Read {
  const { message } = field;
  if (message === undefined) return field.enum === undefined ? scalarReader(field.scalar) : enumReader(field.enum);
  const read = messageReader(message);
  return (reading, json) => {
    const isNothing = json === undefined || (json === null && message.typeName !== "google.protobuf.Value");
    return isNothing ? reading.complain(wrongType(message.name, json)) : read(reading, json);
  };
}
