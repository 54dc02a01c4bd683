import { ScalarType } from "@bufbuild/protobuf";
import { type BinaryWriter, base64Decode, WireType } from "@bufbuild/protobuf/wire";

/** Writes what stands between a tag, or a length, and the next. */
export type Content = (writer: BinaryWriter, json: unknown) => void;

/** How values of one type are written, from canonical JSON, without their tag. */
export interface ScalarWriter {
  readonly wire: WireType;
  readonly write: Content;
  /** Is it what an absent field is read as? */
  readonly isZero: (json: unknown) => boolean;
}

/** How a scalar that `scalarComplaint` has nothing against is written. */
export function scalarWriter(scalar: ScalarType): ScalarWriter {
  return WRITERS[scalar];
}

/** The same value behind the tag of a field. */
export function tagged(number: number, { wire, write }: ScalarWriter): Content {
  return (writer, json) => write(writer.tag(number, wire), json);
}

const isZeroNumber = (json: unknown): boolean => Number(json) === 0;
const isEmpty = (json: unknown): boolean => json === "";
/** Minus zero is written. */
const isPlusZero = (json: unknown): boolean => Object.is(Number(json), 0);

/** Numbers of 64 bits stay in quotes where they were, so that none loses digits. */
const long = (json: unknown): string | number => json as string | number;

const WRITERS: Readonly<Record<ScalarType, ScalarWriter>> = {
  [ScalarType.STRING]: {
    wire: WireType.LengthDelimited,
    write: (writer, json) => writer.string(json as string),
    isZero: isEmpty,
  },
  [ScalarType.BYTES]: {
    wire: WireType.LengthDelimited,
    write: (writer, json) => writer.bytes(base64Decode(json as string)),
    isZero: isEmpty,
  },
  [ScalarType.BOOL]: {
    wire: WireType.Varint,
    write: (writer, json) => writer.bool(json as boolean),
    isZero: (json) => json === false,
  },
  [ScalarType.DOUBLE]: number(WireType.Bit64, (writer, json) => writer.double(Number(json)), isPlusZero),
  [ScalarType.FLOAT]: number(WireType.Bit32, (writer, json) => writer.float(Number(json)), isPlusZero),
  [ScalarType.INT32]: number(WireType.Varint, (writer, json) => writer.int32(Number(json))),
  [ScalarType.UINT32]: number(WireType.Varint, (writer, json) => writer.uint32(Number(json))),
  [ScalarType.SINT32]: number(WireType.Varint, (writer, json) => writer.sint32(Number(json))),
  [ScalarType.FIXED32]: number(WireType.Bit32, (writer, json) => writer.fixed32(Number(json))),
  [ScalarType.SFIXED32]: number(WireType.Bit32, (writer, json) => writer.sfixed32(Number(json))),
  [ScalarType.INT64]: number(WireType.Varint, (writer, json) => writer.int64(long(json))),
  [ScalarType.UINT64]: number(WireType.Varint, (writer, json) => writer.uint64(long(json))),
  [ScalarType.SINT64]: number(WireType.Varint, (writer, json) => writer.sint64(long(json))),
  [ScalarType.FIXED64]: number(WireType.Bit64, (writer, json) => writer.fixed64(long(json))),
  [ScalarType.SFIXED64]: number(WireType.Bit64, (writer, json) => writer.sfixed64(long(json))),
};

function number(wire: WireType, write: Content, isZero = isZeroNumber): ScalarWriter {
  return { wire, write, isZero };
}
