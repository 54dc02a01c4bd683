import { ScalarType } from "@bufbuild/protobuf";
import { type Complaint, wrongType } from "./complaints.ts";

/**
 * What is wrong with JSON as a value of a scalar field, or undefined. Stricter than the proto3 mapping where that lets
 * a slip through: no `0x10`, no `1e3` in quotes, no 64-bit number that JSON has already rounded.
 */
export function scalarComplaint(scalar: ScalarType, json: unknown): Complaint | undefined {
  switch (scalar) {
    case ScalarType.BOOL:
      return typeof json === "boolean" ? undefined : wrongType("true or false", json);
    case ScalarType.STRING:
      return stringComplaint(json);
    case ScalarType.BYTES:
      return bytesComplaint(json);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return floatComplaint(scalar, json);
    default:
      return integerComplaint(RANGES[scalar], json);
  }
}

/** A key of a map, which JSON always has as a string. */
export function mapKeyComplaint(scalar: ScalarType, key: string): Complaint | undefined {
  if (scalar === ScalarType.BOOL)
    return key === "true" || key === "false" ? undefined : wrongType("true or false", key);
  return scalarComplaint(scalar, key);
}

const SURROGATE = /\p{Surrogate}/u;

function stringComplaint(json: unknown): Complaint | undefined {
  if (typeof json !== "string") {
    const hint = typeof json === "number" || typeof json === "boolean" ? { hint: "put it in quotes" } : {};
    return { ...wrongType("a string", json), ...hint };
  }
  return SURROGATE.test(json) ? { message: "half a character (a lone surrogate)", code: "wrong-type" } : undefined;
}

const BASE64 = /^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)(={0,2})$/;

function bytesComplaint(json: unknown): Complaint | undefined {
  if (typeof json !== "string") return wrongType("base64", json);
  const padding = BASE64.exec(json)?.[1]?.length;
  if (padding !== undefined && (padding > 0 ? json.length % 4 === 0 : json.length % 4 !== 1)) return undefined;
  return {
    message: "expected base64",
    hint: "for plain text use inline_string where there is one",
    code: "wrong-type",
  };
}

const FLOAT_TEXT = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|NaN|-?Infinity)$/;
const FLOAT_LIMIT = 3.4028234663852886e38;

function floatComplaint(scalar: ScalarType, json: unknown): Complaint | undefined {
  const isText = typeof json === "string" && FLOAT_TEXT.test(json);
  if (!isText && (typeof json !== "number" || !Number.isFinite(json))) return wrongType("a number", json);
  if (typeof json === "string" && /[NI]/.test(json)) return undefined;
  const limit = scalar === ScalarType.FLOAT ? FLOAT_LIMIT : Number.MAX_VALUE;
  return Math.abs(Number(json)) > limit
    ? { message: "larger than the field can hold", code: "out-of-range" }
    : undefined;
}

interface Range {
  readonly least: bigint;
  readonly most: bigint;
  /** The nearest numbers of JSON. */
  readonly leastNumber: number;
  readonly mostNumber: number;
}

function range(least: bigint, most: bigint): Range {
  return { least, most, leastNumber: Number(least), mostNumber: Number(most) };
}

const INT32 = range(-(2n ** 31n), 2n ** 31n - 1n);
const UINT32 = range(0n, 2n ** 32n - 1n);
const INT64 = range(-(2n ** 63n), 2n ** 63n - 1n);
const UINT64 = range(0n, 2n ** 64n - 1n);

const RANGES = {
  [ScalarType.INT32]: INT32,
  [ScalarType.SINT32]: INT32,
  [ScalarType.SFIXED32]: INT32,
  [ScalarType.UINT32]: UINT32,
  [ScalarType.FIXED32]: UINT32,
  [ScalarType.INT64]: INT64,
  [ScalarType.SINT64]: INT64,
  [ScalarType.SFIXED64]: INT64,
  [ScalarType.UINT64]: UINT64,
  [ScalarType.FIXED64]: UINT64,
};

const INTEGER_TEXT = /^(?:0|-?[1-9]\d{0,19})$/;

function integerComplaint(allowed: Range, json: unknown): Complaint | undefined {
  if (typeof json === "string") {
    if (!INTEGER_TEXT.test(json)) return { message: "expected a whole number in plain digits", code: "wrong-type" };
    return within(BigInt(json), allowed) ? undefined : outside(allowed);
  }
  if (typeof json !== "number") return wrongType("a whole number", json);
  if (!Number.isInteger(json)) return { message: `expected a whole number, not ${json}`, code: "wrong-type" };
  if (json < allowed.leastNumber || json > allowed.mostNumber) return outside(allowed);
  if (Number.isSafeInteger(json)) return undefined;
  const hint = "put it in quotes: numbers this large lose digits in JSON and YAML";
  return { message: "a number too large to be exact", hint, code: "out-of-range" };
}

function within(value: bigint, { least, most }: Range): boolean {
  return value >= least && value <= most;
}

function outside({ least, most }: Range): Complaint {
  return { message: `must be from ${least} to ${most}`, code: "out-of-range" };
}
