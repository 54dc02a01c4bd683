import { type DescEnum, type DescField, type DescMessage, type Registry, ScalarType } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { isObject } from "./json-kinds.ts";
import { typeNameOf } from "./registry.ts";
import { type Content, type ScalarWriter, scalarWriter, tagged } from "./scalar-bytes.ts";
import { wellKnownContent } from "./well-known-bytes.ts";
import { readWellKnown } from "./well-known-json.ts";

/** A writer keeps what it has grown to, so one that wrote more than this is not used again. */
const KEPT_BYTES = 65_536;

/** google.protobuf.FeatureSet.FieldPresence.IMPLICIT: proto3 without `optional`, whose zero is not written. */
const IMPLICIT = 2;

interface FieldWriter {
  readonly name: string;
  readonly number: number;
  readonly write: Content;
}

/**
 * From canonical JSON to the bytes that protobuf's own writer makes of the same content: fields by number, maps in the
 * order of the JSON. Straight, without a message in between, and only for messages that were met: a process that serves
 * clusters never pays for the hundreds of messages that a cluster may have in it.
 */
export class CanonicalBytes {
  readonly #registry: Registry;
  readonly #contents = new Map<DescMessage, Content>();
  #writer = new BinaryWriter();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** @param canonical what `readMessage` made of the message, without a problem */
  write(message: DescMessage, canonical: unknown): Uint8Array {
    const writer = this.#writer;
    // A writer that was left in the middle is of no more use.
    this.#writer = new BinaryWriter();
    this.#contentOf(message)(writer, canonical);
    const bytes = writer.finish();
    if (bytes.length <= KEPT_BYTES) this.#writer = writer;
    return bytes;
  }

  #contentOf(message: DescMessage): Content {
    const known = this.#contents.get(message);
    if (known !== undefined) return known;
    const made = message.typeName === "google.protobuf.Any" ? this.#anyContent() : wellKnownContent(message);
    const content = made ?? this.#fieldsContent(message);
    this.#contents.set(message, content);
    return content;
  }

  #fieldsContent(message: DescMessage): Content {
    const all = new Map(message.fields.map((field) => [field.name, field]));
    const writers = new Map<string, FieldWriter>();
    const writerOf = (key: string): FieldWriter | undefined => {
      const known = writers.get(key);
      const field = known === undefined ? all.get(key) : undefined;
      if (field === undefined) return known;
      const made = { name: key, number: field.number, write: this.#fieldWriter(field) };
      writers.set(key, made);
      return made;
    };
    let lastKeys: readonly string[] = [];
    let lastDue: readonly FieldWriter[] = [];
    return (writer, json) => {
      const values = json as Readonly<Record<string, unknown>>;
      const keys = Object.keys(values);
      // Resources of a fleet have the same fields, mostly.
      if (!isSameList(keys, lastKeys)) {
        lastDue = inOrder(keys, writerOf);
        lastKeys = keys;
      }
      for (const { name, write } of lastDue) write(writer, values[name]);
    };
  }

  #fieldWriter(field: DescField): Content {
    switch (field.fieldKind) {
      case "scalar":
      case "enum":
        return singular(field, field.fieldKind === "enum" ? enumWriter(field.enum) : scalarWriter(field.scalar));
      case "message":
        return this.#messageWriter(field.number, field.message, field.delimitedEncoding);
      case "list":
        return this.#listWriter(field);
      case "map":
        return this.#mapWriter(field);
    }
  }

  #messageWriter(number: number, message: DescMessage, isGroup: boolean): Content {
    let content: Content | undefined;
    const contentOf = (): Content => (content ??= this.#contentOf(message));
    if (isGroup) {
      return (writer, json) => {
        contentOf()(writer.tag(number, WireType.StartGroup), json);
        writer.tag(number, WireType.EndGroup);
      };
    }
    return (writer, json) => {
      contentOf()(writer.tag(number, WireType.LengthDelimited).fork(), json);
      writer.join();
    };
  }

  #listWriter(field: DescField & { fieldKind: "list" }): Content {
    if (field.listKind === "message") {
      return each(this.#messageWriter(field.number, field.message, field.delimitedEncoding));
    }
    const scalar = field.listKind === "enum" ? enumWriter(field.enum) : scalarWriter(field.scalar);
    if (!field.packed) return each(tagged(field.number, scalar));
    const writeEach = each(scalar.write);
    return (writer, json) => {
      if ((json as readonly unknown[]).length === 0) return;
      writeEach(writer.tag(field.number, WireType.LengthDelimited).fork(), json);
      writer.join();
    };
  }

  /** An entry is a message with the key as its field 1 and the value as its field 2, zeros too. */
  #mapWriter(field: DescField & { fieldKind: "map" }): Content {
    const writeKey = tagged(1, scalarWriter(field.mapKey));
    const writeValue = this.#mapValueWriter(field);
    const isBool = field.mapKey === ScalarType.BOOL;
    return (writer, json) => {
      const values = json as Readonly<Record<string, unknown>>;
      for (const key of Object.keys(values)) {
        writer.tag(field.number, WireType.LengthDelimited).fork();
        writeKey(writer, isBool ? key === "true" : key);
        writeValue(writer, values[key]);
        writer.join();
      }
    };
  }

  #mapValueWriter(field: DescField & { fieldKind: "map" }): Content {
    if (field.mapKind === "message") return this.#messageWriter(2, field.message, false);
    return tagged(2, field.mapKind === "enum" ? enumWriter(field.enum) : scalarWriter(field.scalar));
  }

  #anyContent(): Content {
    return (writer, json) => {
      if (!isObject(json)) return;
      const typeUrl = String(json["@type"]);
      const message = this.#registry.getMessage(typeNameOf(typeUrl));
      if (message === undefined) return;
      writer.tag(1, WireType.LengthDelimited).string(typeUrl);
      const inner = new BinaryWriter();
      this.#contentOf(message)(inner, readWellKnown(message) === undefined ? json : json["value"]);
      const bytes = inner.finish();
      if (bytes.length > 0) writer.tag(2, WireType.LengthDelimited).bytes(bytes);
    };
  }
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}

/** The writers of these fields by number; a key that is none, such as `@type`, has none. */
function inOrder(keys: readonly string[], writerOf: (key: string) => FieldWriter | undefined): readonly FieldWriter[] {
  const due: FieldWriter[] = [];
  let isSorted = true;
  for (const key of keys) {
    const field = writerOf(key);
    if (field === undefined) continue;
    const last = due.at(-1);
    if (last !== undefined && last.number > field.number) isSorted = false;
    due.push(field);
  }
  return isSorted ? due : due.sort((a, b) => a.number - b.number);
}

function each(write: Content): Content {
  return (writer, json) => {
    for (const item of json as readonly unknown[]) write(writer, item);
  };
}

function singular(field: DescField, scalar: ScalarWriter): Content {
  const write = tagged(field.number, scalar);
  if (field.oneof !== undefined || field.presence !== IMPLICIT) return write;
  return (writer, json) => {
    if (!scalar.isZero(json)) write(writer, json);
  };
}

/** The names of an enum's values; null is the one of NullValue. */
function enumWriter(type: DescEnum): ScalarWriter {
  const numbers = new Map<unknown, number>(type.values.map(({ name, number }) => [name, number]));
  const numberOf = (json: unknown): number => numbers.get(json) ?? 0;
  const zero = type.values[0]?.number;
  return {
    wire: WireType.Varint,
    write: (writer, json) => writer.int32(numberOf(json)),
    isZero: (json) => numberOf(json) === zero,
  };
}
