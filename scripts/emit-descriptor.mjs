// @ts-check
import { create } from "@bufbuild/protobuf";
import {
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  ServiceDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import protobufjs from "protobufjs";

/*
 * FileDescriptorProtos of files that protobufjs has parsed. (Its own converter makes one nameless file a package,
 * without dependencies, which no registry takes.)
 */

/**
 * @typedef {{ name: string, package: string, syntax: string, root: protobufjs.Root }} Proto one parsed file
 * @typedef {ReadonlyMap<string, "message" | "enum">} Symbols full names of all types
 * @typedef {import("@bufbuild/protobuf/wkt").DescriptorProto} MessageProto
 * @typedef {import("@bufbuild/protobuf/wkt").FieldDescriptorProto} FieldProto
 * @typedef {import("@bufbuild/protobuf/wkt").FileDescriptorProto} FileProto
 */

/** Numbers of FieldDescriptorProto.Type, by the words of the language. */
const SCALARS = new Map(
  "double float int64 uint64 int32 fixed64 fixed32 bool string - - bytes uint32 - sfixed32 sfixed64 sint32 sint64"
    .split(" ")
    .map((word, index) => [word, index + 1]),
);
const MESSAGE = 11;
const ENUM = 14;
const OPTIONAL = 1;
const REQUIRED = 2;
const REPEATED = 3;

/**
 * @param {readonly Proto[]} protos
 * @param {readonly FileProto[]} known
 * @returns {Symbols}
 */
export function symbolsOf(protos, known) {
  /** @type {Map<string, "message" | "enum">} */
  const symbols = new Map();
  for (const { root } of protos) walk(root, "", symbols);
  for (const file of known) {
    for (const { name } of file.messageType) symbols.set(`${file.package}.${name}`, "message");
    for (const { name } of file.enumType) symbols.set(`${file.package}.${name}`, "enum");
  }
  return symbols;
}

/**
 * @param {protobufjs.NamespaceBase} space
 * @param {string} prefix
 * @param {Map<string, "message" | "enum">} symbols
 */
function walk(space, prefix, symbols) {
  for (const item of space.nestedArray) {
    const name = prefix === "" ? item.name : `${prefix}.${item.name}`;
    if (item instanceof protobufjs.Enum) symbols.set(name, "enum");
    if (item instanceof protobufjs.Type) symbols.set(name, "message");
    if (item instanceof protobufjs.Namespace) walk(item, name, symbols);
  }
}

class Unresolved extends Error {}

/**
 * @param {Proto} proto
 * @param {readonly string[]} imports
 * @param {Symbols} symbols
 * @returns {FileProto | undefined} undefined where it names a type that is not there
 */
export function emitFile(proto, imports, symbols) {
  const space = proto.package === "" ? proto.root : proto.root.lookup(proto.package);
  if (!(space instanceof protobufjs.Namespace)) return undefined;
  const scope = { name: proto.package, symbols };
  try {
    return create(FileDescriptorProtoSchema, {
      name: proto.name,
      package: proto.package,
      dependency: [...imports],
      messageType: itemsOf(space, protobufjs.Type).map((type) => message(type, scope)),
      enumType: itemsOf(space, protobufjs.Enum).map(enumeration),
      service: itemsOf(space, protobufjs.Service).map((item) => service(item, scope)),
      extension: itemsOf(space, protobufjs.Field).map((field) => extension(field, scope)),
      syntax: proto.syntax === "proto3" ? "proto3" : "",
    });
  } catch (error) {
    if (error instanceof Unresolved) return undefined;
    throw error;
  }
}

/** @typedef {{ name: string, symbols: Symbols }} Scope where a name is said: the innermost package or message */

/**
 * @template {protobufjs.ReflectionObject} T
 * @param {protobufjs.NamespaceBase} space
 * @param {abstract new (...args: never[]) => T} kind
 * @returns {T[]}
 */
function itemsOf(space, kind) {
  return space.nestedArray.flatMap((item) => (item instanceof kind ? [/** @type {T} */ (item)] : []));
}

/**
 * @param {protobufjs.Type} type
 * @param {Scope} outer
 * @returns {MessageProto}
 */
function message(type, outer) {
  const scope = { ...outer, name: outer.name === "" ? type.name : `${outer.name}.${type.name}` };
  const maps = type.fieldsArray.filter((item) => item instanceof protobufjs.MapField);
  // Those of `optional` fields come after the real ones.
  const isSynthetic = (/** @type {protobufjs.OneOf} */ { fieldsArray }) => isOptional(fieldsArray[0]);
  const oneofs = [...type.oneofsArray].sort((a, b) => Number(isSynthetic(a)) - Number(isSynthetic(b)));
  return create(DescriptorProtoSchema, {
    name: type.name,
    field: type.fieldsArray.map((item) => {
      const made = field(item, scope);
      const index = oneofs.findIndex(({ oneof }) => oneof.includes(item.name));
      if (index !== -1) made.oneofIndex = index;
      return made;
    }),
    nestedType: [
      ...itemsOf(type, protobufjs.Type).map((nested) => message(nested, scope)),
      ...maps.map((item) => entry(item, scope)),
    ],
    enumType: itemsOf(type, protobufjs.Enum).map(enumeration),
    extension: itemsOf(type, protobufjs.Field).map((item) => extension(item, scope)),
    oneofDecl: oneofs.map(({ name }) => ({ name })),
  });
}

/** @param {protobufjs.Field | undefined} item */
function isOptional(item) {
  return item?.options?.["proto3_optional"] === true;
}

/**
 * @param {protobufjs.Field} item
 * @param {Scope} scope
 * @returns {FieldProto}
 */
function field(item, scope) {
  const isMap = item instanceof protobufjs.MapField;
  const rule = isMap || item.repeated ? REPEATED : item.required ? REQUIRED : OPTIONAL;
  const type = isMap ? { type: MESSAGE, typeName: `.${scope.name}.${entryName(item)}` } : typeOf(item.type, scope);
  return create(FieldDescriptorProtoSchema, {
    name: item.name,
    number: item.id,
    label: rule,
    ...type,
    jsonName: jsonName(item.name),
    ...(isOptional(item) ? { proto3Optional: true } : {}),
  });
}

/**
 * @param {protobufjs.Field} item
 * @param {Scope} scope
 */
function extension(item, scope) {
  const made = field(item, scope);
  made.extendee = typeOf(item.extend ?? "", scope).typeName ?? "";
  return made;
}

/**
 * The message of a map's pairs.
 *
 * @param {protobufjs.MapField} item
 * @param {Scope} scope
 */
function entry(item, scope) {
  const part = (/** @type {string} */ name, /** @type {number} */ number, /** @type {string} */ type) =>
    create(FieldDescriptorProtoSchema, { name, number, label: OPTIONAL, jsonName: name, ...typeOf(type, scope) });
  return create(DescriptorProtoSchema, {
    name: entryName(item),
    field: [part("key", 1, item.keyType), part("value", 2, item.type)],
    options: { mapEntry: true },
  });
}

/** @param {protobufjs.MapField} item */
function entryName({ name }) {
  const camel = jsonName(name);
  return `${camel.charAt(0).toUpperCase()}${camel.slice(1)}Entry`;
}

/** @param {string} name */
function jsonName(name) {
  return name.replace(/_+(.)/g, (_, /** @type {string} */ letter) => letter.toUpperCase());
}

/**
 * @param {string} said
 * @param {Scope} scope
 */
function typeOf(said, scope) {
  const scalar = SCALARS.get(said);
  if (scalar !== undefined) return { type: scalar };
  const name = resolve(said, scope);
  return { type: scope.symbols.get(name) === "enum" ? ENUM : MESSAGE, typeName: `.${name}` };
}

/**
 * From the inside out, as the language does.
 *
 * @param {string} said
 * @param {Scope} scope
 */
function resolve(said, { name: scope, symbols }) {
  if (said.startsWith(".")) return known(said.slice(1), symbols);
  for (let space = scope; space !== ""; space = space.slice(0, Math.max(0, space.lastIndexOf(".")))) {
    if (symbols.has(`${space}.${said}`)) return `${space}.${said}`;
  }
  return known(said, symbols);
}

/**
 * @param {string} name
 * @param {Symbols} symbols
 */
function known(name, symbols) {
  if (symbols.has(name)) return name;
  throw new Unresolved(name);
}

/** @param {protobufjs.Enum} item */
function enumeration(item) {
  return create(EnumDescriptorProtoSchema, {
    name: item.name,
    value: Object.entries(item.values).map(([name, number]) => ({ name, number })),
    ...(item.options?.["allow_alias"] === true ? { options: { allowAlias: true } } : {}),
  });
}

/**
 * @param {protobufjs.Service} item
 * @param {Scope} scope
 */
function service(item, scope) {
  return create(ServiceDescriptorProtoSchema, {
    name: item.name,
    method: item.methodsArray.map((method) => ({
      name: method.name,
      inputType: `.${resolve(method.requestType, scope)}`,
      outputType: `.${resolve(method.responseType, scope)}`,
      clientStreaming: method.requestStream === true,
      serverStreaming: method.responseStream === true,
    })),
  });
}
