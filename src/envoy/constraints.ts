import {
  type DescEnum,
  type DescExtension,
  type DescField,
  type DescMessage,
  type DescOneof,
  type FileRegistry,
  getOption,
  hasOption,
  type Message,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { Complaints } from "./complaints.ts";
import { isObject } from "./json-kinds.ts";
import { type Test, testsOf } from "./rule-tests.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * The rules in the schema (`validate.rules`), which Envoy checks before it looks at anything else: one broken rule in
 * a resource's own message, and Envoy refuses the whole response that the resource came in. Not a complete account of
 * what Envoy refuses: that is only Envoy itself.
 */
export class Constraints {
  readonly #registry: FileRegistry;
  readonly #rules: DescExtension | undefined;
  readonly #required: DescExtension | undefined;
  readonly #messages = new Map<DescMessage, MessageConstraints>();

  constructor(registry: FileRegistry) {
    this.#registry = registry;
    this.#rules = registry.getExtension("validate.rules");
    this.#required = registry.getExtension("validate.required");
  }

  of(message: DescMessage): MessageConstraints {
    const known = this.#messages.get(message);
    if (known !== undefined) return known;
    const made = EXEMPT.has(message.typeName) ? NONE : this.#compile(message);
    this.#messages.set(message, made);
    return made;
  }

  #compile(message: DescMessage): MessageConstraints {
    const fields = message.fields.flatMap((field) => {
      const rules = this.#rulesOf(field);
      return rules === undefined ? [] : [[field, compileField(field, rules)] as const];
    });
    const required = this.#required;
    const oneofs = required === undefined ? [] : message.oneofs.filter((oneof) => isTrue(oneof, required));
    return { fields: new Map(fields), needed: fields.flatMap(([field, rules]) => neededOf(field, rules)), oneofs };
  }

  #rulesOf(field: DescField): Json | undefined {
    const extension = this.#rules;
    if (extension?.message === undefined || !hasOption(field, extension)) return undefined;
    const rules = toJson(extension.message, getOption(field, extension) as Message, {
      registry: this.#registry,
      useProtoFieldName: true,
    });
    return isObject(rules) ? rules : undefined;
  }
}

/** What holds for one message. */
export interface MessageConstraints {
  readonly fields: ReadonlyMap<DescField, FieldConstraint>;
  /** Fields whose absence breaks rules, which is the same whatever else there is. */
  readonly needed: readonly Needed[];
  /** One member of each of these must be set. */
  readonly oneofs: readonly DescOneof[];
}

interface Needed {
  readonly name: string;
  readonly constraint: FieldConstraint;
}

/** What holds for one field, whose value is in canonical JSON. */
export interface FieldConstraint {
  /** The rules inside of the field's message do not count. */
  readonly skip: boolean;
  check(complaints: Complaints, value: unknown): void;
  checkAbsent(complaints: Complaints): void;
}

const NONE: MessageConstraints = { fields: new Map(), needed: [], oneofs: [] };

/** Load reports: Envoy itself sends them without what the rules ask for. */
const EXEMPT: ReadonlySet<string> = new Set([
  "envoy.config.endpoint.v3.ClusterStats",
  "envoy.config.endpoint.v3.UpstreamLocalityStats",
  "envoy.config.endpoint.v3.UpstreamEndpointStats",
]);

/** Says what a message lacks: fields whose rules their absence breaks, and members of oneofs. */
export function checkAbsent(complaints: Complaints, { needed, oneofs }: MessageConstraints, json: Json): void {
  for (const { name, constraint } of needed) {
    if (Object.hasOwn(json, name)) continue;
    complaints.enter(name);
    constraint.checkAbsent(complaints);
    complaints.leave();
  }
  for (const oneof of oneofs) {
    if (memberOf(oneof, json) !== undefined) continue;
    const names = oneof.fields.map((field) => field.name);
    complain(complaints, `needs one of ${names.join(", ")}`);
  }
}

/** The member of a oneof that is set in canonical JSON. */
export function memberOf({ fields }: DescOneof, json: Json): DescField | undefined {
  for (const field of fields) if (Object.hasOwn(json, field.name)) return field;
  return undefined;
}

function neededOf({ name }: DescField, constraint: FieldConstraint): readonly Needed[] {
  const found = new Complaints();
  constraint.checkAbsent(found);
  return found.problems.length > 0 ? [{ name, constraint }] : [];
}

function complain(complaints: Complaints, message: string): void {
  complaints.complain({ message, code: "broken-rule" });
}

function isTrue(oneof: DescOneof, extension: DescExtension): boolean {
  return hasOption(oneof, extension) && getOption(oneof, extension) === true;
}

function compileField(field: DescField, rules: Json): FieldConstraint {
  const tests = compileTests(rules, field.enum);
  const parts = compileParts(field, rules);
  const own: Json = isObject(rules["message"]) ? rules["message"] : {};
  const isRequired =
    field.fieldKind === "message" && Object.values(rules).some((rule) => isObject(rule) && rule["required"] === true);
  const check = (complaints: Complaints, value: unknown): void => {
    run(complaints, tests, value);
    parts(complaints, value);
  };
  const absent = valueIfAbsent(field);
  return {
    skip: own["skip"] === true,
    check,
    checkAbsent(complaints) {
      if (isRequired && field.oneof === undefined) complain(complaints, "is required");
      else if (absent !== undefined) check(complaints, absent);
    },
  };
}

/** The value that an absent field has to the rules; undefined where they do not look at it then. */
function valueIfAbsent(field: DescField): unknown {
  if (field.fieldKind === "list") return [];
  if (field.fieldKind === "map") return {};
  if (field.fieldKind === "message" || field.presence !== IMPLICIT) return undefined;
  if (field.enum !== undefined) return field.enum.values[0]?.name;
  if (field.scalar === ScalarType.BOOL) return false;
  return field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES ? "" : 0;
}

/** google.protobuf.FeatureSet.FieldPresence.IMPLICIT: proto3 without `optional`. */
const IMPLICIT = 2;

function compileTests(rules: Json, type: DescEnum | undefined): readonly Test[] {
  return Object.entries(rules).flatMap(([kind, rule]) => testsOf(kind, rule, type));
}

function run(complaints: Complaints, tests: readonly Test[], value: unknown): void {
  for (const test of tests) {
    const wrong = test(value);
    if (wrong !== undefined) complain(complaints, wrong);
  }
}

/** The rules for the items of a list, and for the keys and values of a map. */
function compileParts(field: DescField, rules: Json): (complaints: Complaints, value: unknown) => void {
  const { repeated, map } = rules;
  const items = partTests(repeated, "items", field.enum);
  const keys = partTests(map, "keys", undefined);
  const values = partTests(map, "values", field.enum);
  if (items.length + keys.length + values.length === 0) return () => {};
  return (complaints, value) => {
    if (Array.isArray(value)) value.forEach((item, index) => within(complaints, index, items, item));
    else if (isObject(value)) {
      for (const key of Object.keys(value)) {
        within(complaints, key, keys, key);
        within(complaints, key, values, value[key]);
      }
    }
  };
}

function partTests(rules: unknown, part: string, type: DescEnum | undefined): readonly Test[] {
  const own = isObject(rules) ? rules[part] : undefined;
  return isObject(own) ? compileTests(own, type) : [];
}

function within(complaints: Complaints, part: string | number, ...[tests, value]: [readonly Test[], unknown]): void {
  complaints.enter(part);
  run(complaints, tests, value);
  complaints.leave();
}
