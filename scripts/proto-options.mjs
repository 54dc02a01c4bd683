// @ts-check
import { create, fromJson, setExtension } from "@bufbuild/protobuf";
import { FieldOptionsSchema, OneofOptionsSchema } from "@bufbuild/protobuf/wkt";

/*
 * Options in the text of protos that Belay reads: rules for values, and marks of secrets. They are extensions, so they
 * can be written only once there is a registry that knows them.
 */

/**
 * @typedef {import("@bufbuild/protobuf").FileRegistry} FileRegistry
 * @typedef {import("@bufbuild/protobuf").DescMessage} DescMessage
 * @typedef {import("@bufbuild/protobuf").JsonObject} JsonObject
 * @typedef {import("@bufbuild/protobuf/wkt").DescriptorProto} MessageProto
 * @typedef {import("protobufjs").Type} Type
 */

const ON_FIELDS = ["validate.rules", "udpa.annotations.sensitive"];
const ON_ONEOFS = ["validate.required"];

/**
 * Adds the options to the descriptors of the set.
 *
 * @param {import("@bufbuild/protobuf/wkt").FileDescriptorSet} set
 * @param {FileRegistry} registry made from the set
 * @param {ReadonlyMap<string, { proto: import("./emit-descriptor.mjs").Proto }>} sources
 */
export function setOptions(set, registry, sources) {
  for (const file of set.file) {
    const root = sources.get(file.name)?.proto.root;
    if (root === undefined) continue;
    for (const message of file.messageType)
      onMessage(message, root.lookupType(`${file.package}.${message.name}`), registry);
  }
}

/**
 * @param {MessageProto} message
 * @param {Type} type
 * @param {FileRegistry} registry
 */
function onMessage(message, type, registry) {
  for (const field of message.field) {
    for (const [name, value] of optionsOf(type.fields[field.name], ON_FIELDS)) {
      field.options ??= create(FieldOptionsSchema);
      put(field.options, name, value, registry);
    }
  }
  for (const oneof of message.oneofDecl) {
    for (const [name, value] of optionsOf(type.oneofs[oneof.name], ON_ONEOFS)) {
      oneof.options ??= create(OneofOptionsSchema);
      put(oneof.options, name, value, registry);
    }
  }
  for (const nested of message.nestedType) {
    const inner = type.nested?.[nested.name];
    if (inner !== undefined) onMessage(nested, /** @type {Type} */ (inner), registry);
  }
}

/**
 * From `parsedOptions`: `options` flattens them and loses all but the last of repeated values.
 *
 * @param {import("protobufjs").ReflectionObject | undefined} item
 * @param {readonly string[]} names
 * @returns {[name: string, value: unknown][]}
 */
function optionsOf(item, names) {
  const parsed = /** @type {{ parsedOptions?: Record<string, unknown>[] } | undefined} */ (item)?.parsedOptions ?? [];
  return parsed.flatMap((options) =>
    names.flatMap((name) =>
      `(${name})` in options ? [/** @type {[string, unknown]} */ ([name, options[`(${name})`]])] : [],
    ),
  );
}

/**
 * @param {import("@bufbuild/protobuf").Message} options
 * @param {string} name
 * @param {unknown} value
 * @param {FileRegistry} registry
 */
function put(options, name, value, registry) {
  const extension = registry.getExtension(name);
  if (extension === undefined) return;
  if (extension.message === undefined) {
    setExtension(options, extension, value);
    return;
  }
  setExtension(
    options,
    extension,
    fromJson(extension.message, jsonOf(extension.message, value), { ignoreUnknownFields: true }),
  );
}

/**
 * The text form's values as JSON has them: a single value of a list as a list, a duration as its string.
 *
 * @param {DescMessage} message
 * @param {unknown} value
 * @returns {JsonObject}
 */
function jsonOf(message, value) {
  /** @type {JsonObject} */
  const result = {};
  for (const [name, said] of Object.entries(/** @type {Record<string, unknown>} */ (value ?? {}))) {
    const field = message.fields.find((one) => one.name === name);
    if (field === undefined) continue;
    const values = (Array.isArray(said) ? said : [said]).map((one) => one_(field, one));
    result[name] =
      field.fieldKind === "list" ? values : /** @type {import("@bufbuild/protobuf").JsonValue} */ (values[0]);
  }
  return result;
}

/**
 * @param {import("@bufbuild/protobuf").DescField} field
 * @param {unknown} value
 * @returns {import("@bufbuild/protobuf").JsonValue}
 */
function one_(field, value) {
  if (field.message?.typeName === "google.protobuf.Duration") {
    const { seconds = 0, nanos = 0 } = /** @type {{ seconds?: number, nanos?: number }} */ (value);
    return `${seconds}.${String(nanos).padStart(9, "0")}s`;
  }
  if (field.message !== undefined) return jsonOf(field.message, value);
  return /** @type {import("@bufbuild/protobuf").JsonValue} */ (value);
}
