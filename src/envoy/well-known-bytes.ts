import { type DescMessage, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { type BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { partsOf } from "./duration.ts";
import { type Content, scalarWriter, tagged } from "./scalar-bytes.ts";

/** How a type is written that has a form of its own in JSON; undefined for all others, and for Any. */
export function wellKnownContent(message: DescMessage): Content | undefined {
  if (!message.typeName.startsWith("google.protobuf.")) return undefined;
  if (isWrapperDesc(message)) return wrapperContent(message.fields[0].scalar);
  if (RARE.has(message.typeName)) {
    return (writer, json) => writer.raw(toBinary(message, fromJson(message, json as JsonValue)));
  }
  return CONTENTS.get(message.typeName);
}

/** Not worth a writer of their own. */
const RARE: ReadonlySet<string> = new Set(["google.protobuf.Timestamp", "google.protobuf.FieldMask"]);

const CONTENTS: ReadonlyMap<string, Content> = new Map([
  ["google.protobuf.Duration", writeDuration],
  ["google.protobuf.Struct", writeStruct],
  ["google.protobuf.Value", writeValue],
  ["google.protobuf.ListValue", writeList],
]);

function wrapperContent(scalar: Parameters<typeof scalarWriter>[0]): Content {
  const value = scalarWriter(scalar);
  const write = tagged(1, value);
  return (writer, json) => {
    if (!value.isZero(json)) write(writer, json);
  };
}

function writeDuration(writer: BinaryWriter, json: unknown): void {
  const { seconds, nanos } = partsOf(String(json));
  if (seconds !== 0) writer.tag(1, WireType.Varint).int64(seconds);
  if (nanos !== 0) writer.tag(2, WireType.Varint).int32(nanos);
}

function writeStruct(writer: BinaryWriter, json: unknown): void {
  const members = json as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(members)) {
    writer.tag(1, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string(key);
    writeValue(writer.tag(2, WireType.LengthDelimited).fork(), members[key]);
    writer.join().join();
  }
}

function writeList(writer: BinaryWriter, json: unknown): void {
  for (const item of json as readonly unknown[]) {
    writeValue(writer.tag(1, WireType.LengthDelimited).fork(), item);
    writer.join();
  }
}

/** Exactly one member is set, and so written, whatever its value. */
function writeValue(writer: BinaryWriter, json: unknown): void {
  if (typeof json === "number") writer.tag(2, WireType.Bit64).double(json);
  else if (typeof json === "string") writer.tag(3, WireType.LengthDelimited).string(json);
  else if (typeof json === "boolean") writer.tag(4, WireType.Varint).bool(json);
  else if (json === null) writer.tag(1, WireType.Varint).int32(0);
  else {
    const isList = Array.isArray(json);
    const write = isList ? writeList : writeStruct;
    write(writer.tag(isList ? 6 : 5, WireType.LengthDelimited).fork(), json);
    writer.join();
  }
}
