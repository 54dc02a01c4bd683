import { GrpcError, STATUS } from "./status.ts";

/** Wire types of protobuf. */
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 };

/** The tag of a length-delimited field; of one byte for the first fifteen fields, all that the envelope has. */
export function bytesTag(field: number): number {
  return (field << 3) | WIRE.bytes;
}

/** The tag of a field that is a number, likewise. */
export function varintTag(field: number): number {
  return (field << 3) | WIRE.varint;
}

/** Walks over protobuf bytes field by field. Everything that is not well formed is INVALID_ARGUMENT. */
export class WireReader {
  readonly bytes: Buffer;
  /** Where the next field, or the value after `next`, begins. */
  at: number;
  readonly end: number;

  constructor(bytes: Buffer, from = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = from;
    this.end = end;
  }

  /** The tag of the next field, 0 at the end. */
  next(): number {
    if (this.at >= this.end) return 0;
    const tag = this.varint();
    if (tag >>> 3 === 0) throw broken("a field has the number 0");
    return tag;
  }

  /** A varint of which at most 32 bits are of interest. */
  varint(): number {
    const { bytes, end } = this;
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= end) throw broken("it stops within a number");
      const byte = bytes[this.at] as number;
      this.at += 1;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw broken("a number is longer than ten bytes");
  }

  /** A varint of 64 bits that counts something; more than can be told exactly is as much as can. */
  count(): number {
    let value = 0;
    for (let unit = 1; unit <= 2 ** 63; unit *= 128) {
      if (this.at >= this.end) throw broken("it stops within a number");
      const byte = this.bytes[this.at] as number;
      this.at += 1;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return Math.min(value, Number.MAX_SAFE_INTEGER);
    }
    throw broken("a number is longer than ten bytes");
  }

  /** The end of the length-delimited value that begins here; `at` is where its content begins. */
  limit(): number {
    const length = this.varint();
    const limit = this.at + length;
    if (limit > this.end) throw broken("it stops within a field");
    return limit;
  }

  text(): string {
    const limit = this.limit();
    const text = this.at === limit ? "" : this.bytes.toString("utf8", this.at, limit);
    this.at = limit;
    return text;
  }

  /** The first bytes of a text, so many at most: a part of a string would keep all of it in memory. */
  head(atMost: number): string {
    const limit = this.limit();
    const text = this.bytes.toString("utf8", this.at, Math.min(limit, this.at + atMost));
    this.at = limit;
    return text;
  }

  /** A view on the bytes of the value. */
  view(): Buffer {
    const limit = this.limit();
    const view = this.bytes.subarray(this.at, limit);
    this.at = limit;
    return view;
  }

  /** A reader of the message that is the value. */
  message(): WireReader {
    const limit = this.limit();
    const inner = new WireReader(this.bytes, this.at, limit);
    this.at = limit;
    return inner;
  }

  /** Passes over the value of a field that is not read. */
  skip(tag: number): void {
    const type = tag & 7;
    if (type === WIRE.varint) this.varint();
    else if (type === WIRE.bytes) this.at = this.limit();
    else if (type === WIRE.fixed64) this.at += 8;
    else if (type === WIRE.fixed32) this.at += 4;
    else throw broken(`a field has the wire type ${type}`);
    if (this.at > this.end) throw broken("it stops within a field");
  }
}

function broken(why: string): GrpcError {
  return new GrpcError(STATUS.invalidArgument, `the request could not be read: ${why}`);
}

/** How many bytes a varint of this value has. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) size += 1;
  return size;
}

/** Puts a varint at the place, and says where it ends. */
export function putVarint(into: Uint8Array, at: number, value: number): number {
  let place = at;
  let rest = value;
  while (rest > 0x7f) {
    into[place] = (rest & 0x7f) | 0x80;
    place += 1;
    rest >>>= 7;
  }
  into[place] = rest;
  return place + 1;
}

/** A field of text; no bytes at all where it is empty, as proto3 has it. */
export function textField(field: number, value: string): Buffer {
  return value === "" ? EMPTY : withTextField(EMPTY, field, value);
}

/** How many bytes that field has. */
export function textFieldSize(value: string): number {
  const length = Buffer.byteLength(value);
  return length === 0 ? 0 : 1 + varintSize(length) + length;
}

/** These bytes and a field of text behind them, in one piece that is made at once: for each stream, at each change. */
export function withTextField(bytes: Uint8Array, field: number, value: string): Buffer {
  const whole = Buffer.allocUnsafe(bytes.length + textFieldSize(value));
  whole.set(bytes);
  if (value === "") return whole;
  whole[bytes.length] = bytesTag(field);
  whole.write(value, putVarint(whole, bytes.length + 1, Buffer.byteLength(value)), "utf8");
  return whole;
}

const EMPTY = Buffer.alloc(0);

/** A field of a number of at most 32 bits. */
export function numberField(field: number, value: number): Buffer {
  const bytes = Buffer.allocUnsafe(1 + varintSize(value));
  bytes[0] = varintTag(field);
  putVarint(bytes, 1, value);
  return bytes;
}

/** A length-delimited field. */
export function bytesField(field: number, value: Uint8Array): Buffer {
  const head = fieldHead(field, value.length);
  return Buffer.concat([head, value]);
}

/** Tag and length of a length-delimited field. */
export function fieldHead(field: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(1 + varintSize(length));
  head[0] = bytesTag(field);
  putVarint(head, 1, length);
  return head;
}
