import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  type Message,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { isReflectMessage, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { base64Encode } from "@bufbuild/protobuf/wire";
import type { Any } from "@bufbuild/protobuf/wkt";
import { emptyObject } from "./json-kinds.ts";
import { typeNameOf, typeUrlOf } from "./registry.ts";
import { REDACTED, redactHeader, redactStruct, sensitiveFields } from "./sensitive.ts";
import { readWellKnown } from "./well-known-json.ts";

const HEADER = "envoy.config.core.v3.HeaderValue";

type Json = Record<string, unknown>;

/** From bytes to Envoy's JSON with the names of the protos. Nothing that it is given makes it throw. */
export class JsonDecoder {
  readonly #registry: FileRegistry;
  readonly #sensitive: ReadonlySet<DescField>;

  constructor(registry: FileRegistry) {
    this.#registry = registry;
    this.#sensitive = sensitiveFields(registry);
  }

  /** `@type` first; an unknown type, or bytes that do not decode, are `{"@type", "value": base64}`. */
  decode(typeUrl: string, bytes: Uint8Array): Json {
    return writeTyped({ registry: this.#registry }, typeUrl, bytes);
  }

  /** The same without secrets. What is not known cannot be known to be harmless: the value of an unknown type is one. */
  decodeRedacted(typeUrl: string, bytes: Uint8Array): Json {
    return writeTyped({ registry: this.#registry, sensitive: this.#sensitive }, typeUrl, bytes);
  }
}

interface Writing {
  readonly registry: FileRegistry;
  /** Fields whose values are left out. */
  readonly sensitive?: ReadonlySet<DescField>;
}

function writeTyped(writing: Writing, typeUrl: string, bytes: Uint8Array): Json {
  const type = writing.registry.getMessage(typeNameOf(typeUrl));
  const message = type === undefined ? undefined : decoded(type, bytes);
  if (type === undefined || message === undefined) {
    return { "@type": typeUrl, value: writing.sensitive === undefined ? base64Encode(bytes) : REDACTED };
  }
  const result: Json = emptyObject();
  result["@type"] = typeUrlOf(type);
  const json = writeMessage(writing, reflect(type, message, false));
  if (readWellKnown(type) === undefined) return Object.assign(result, json);
  result["value"] = json;
  return result;
}

function decoded(type: DescMessage, bytes: Uint8Array): Message | undefined {
  try {
    return fromBinary(type, bytes);
  } catch {
    return undefined;
  }
}

function writeMessage(writing: Writing, message: ReflectMessage): unknown {
  const { desc } = message;
  if (desc.typeName === "google.protobuf.Any") return writeAny(writing, message.message as Any);
  if (readWellKnown(desc) !== undefined) return writeWellKnown(writing, message);
  const result: Json = emptyObject();
  for (const field of message.sortedFields) {
    if (!message.isSet(field)) continue;
    result[field.name] = writing.sensitive?.has(field) ? REDACTED : writeField(writing, message, field);
  }
  const isHeader = desc.typeName === HEADER;
  return isHeader && writing.sensitive !== undefined ? redactHeader(result) : result;
}

function writeAny(writing: Writing, { typeUrl, value }: Any): Json {
  return typeUrl === "" && value.length === 0 ? {} : writeTyped(writing, typeUrl, value);
}

/** A value that its JSON form cannot hold, such as a duration of a million years, is shown as its plain fields. */
function writeWellKnown(writing: Writing, message: ReflectMessage): unknown {
  try {
    const json: unknown = toJson(message.desc, message.message);
    return writing.sensitive === undefined ? json : redactStruct(json);
  } catch {
    const set = message.sortedFields.filter((field) => message.isSet(field));
    return Object.fromEntries(set.map((field) => [field.name, writeField(writing, message, field)]));
  }
}

function writeField(writing: Writing, message: ReflectMessage, field: DescField): unknown {
  switch (field.fieldKind) {
    case "list":
      return [...message.get(field)].map((item) => writeValue(writing, field, item));
    case "map": {
      const result: Json = emptyObject();
      for (const [key, value] of message.get(field)) result[String(key)] = writeValue(writing, field, value);
      return result;
    }
    default:
      return writeValue(writing, field, message.get(field));
  }
}

function writeValue(writing: Writing, field: DescField, value: unknown): unknown {
  if (isReflectMessage(value)) return writeMessage(writing, value);
  if (field.enum !== undefined) return nameOfValue(field.enum, value);
  if (value instanceof Uint8Array) return base64Encode(value);
  if (typeof value === "bigint") return value.toString();
  const isFloat = field.scalar === ScalarType.DOUBLE || field.scalar === ScalarType.FLOAT;
  return isFloat && !Number.isFinite(value) ? String(value) : value;
}

function nameOfValue(type: DescEnum, value: unknown): unknown {
  if (type.typeName === "google.protobuf.NullValue") return null;
  return type.values.find(({ number }) => number === value)?.name ?? value;
}
