import type { Random } from "../bench/soak/random.ts";

/** What is wrong with a request, if anything: a name for the report, and the bytes as they go over the wire. */
export interface Mutant {
  readonly how: string;
  /** With the prefix of a gRPC message, right or wrong. */
  readonly bytes: Buffer;
}

type Mutation = (body: Buffer, random: Random) => Buffer;

const HUGE = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
const NO_UTF8 = Buffer.from([0x1a, 0x05, 0xed, 0xa0, 0x80, 0xff, 0xc0]);
const DEPTHS = [10, 1_000, 10_000];

/** How a request is said to be in which nothing is wrong. */
export const FINE = "nothing is wrong";

/** What is done to the protobuf of a request. */
const BODIES: Readonly<Record<string, Mutation>> = {
  [FINE]: (body) => body,
  "bits are flipped": (body, random) => {
    const flipped = Buffer.from(body);
    for (let n = 1 + random.below(8); n > 0 && body.length > 0; n -= 1) {
      const at = random.below(body.length);
      flipped[at] = (flipped[at] as number) ^ (1 << random.below(8));
    }
    return flipped;
  },
  "it is cut": (body, random) => body.subarray(0, random.below(body.length + 1)),
  "a length lies": (body, random) => {
    const at = random.below(body.length + 1);
    const lie = random.pick([
      HUGE,
      Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]),
      Buffer.from([0x80]),
      Buffer.from([127]),
    ]);
    return Buffer.concat([body.subarray(0, at), lie, body.subarray(at + 1)]);
  },
  "a wire type is wrong": (body, random) => {
    const wrong = Buffer.from(body);
    const at = random.pick([0, random.below(body.length + 1)]);
    if (at < wrong.length) wrong[at] = ((wrong[at] as number) & 0xf8) | random.below(8);
    return wrong;
  },
  "a part stands twice": (body, random) => {
    const [from, to] = [random.below(body.length + 1), random.below(body.length + 1)].sort((a, b) => a - b) as [
      number,
      number,
    ];
    return Buffer.concat([body.subarray(0, to), body.subarray(from)]);
  },
  "it is of something else": (_, random) =>
    Buffer.from(Array.from({ length: random.below(300) }, () => random.below(256))),
  "it is nested deeply": (body, random) =>
    Buffer.concat([body, nested(random.pick(DEPTHS), random.pick([1, 2, 3, 5]))]),
  "text is no UTF-8": (body) => Buffer.concat([body, NO_UTF8]),
  "a number is too long": (body, random) =>
    Buffer.concat([body, Buffer.from([random.pick([0x08, 0x10, 0x40])]), HUGE, random.pick([HUGE, Buffer.alloc(0)])]),
  "a field has the number 0": (body) => Buffer.concat([body, Buffer.from([0x02, 0x00])]),
};

/** What is done to the prefix of a message. */
const FRAMES: Readonly<Record<string, Mutation>> = {
  "its prefix says more than comes": (body, random) => prefixed(body, 0, body.length + 1 + random.below(100_000)),
  "its prefix says less than comes": (body, random) => prefixed(body, 0, random.below(body.length + 1)),
  "its prefix says 4 GiB": (body) => prefixed(body, 0, 0xffff_ffff),
  "it is said to be compressed": (body) => prefixed(body, 1, body.length),
  "its flag is none": (body, random) => prefixed(body, 2 + random.below(254), body.length),
  "it stops within its prefix": (body, random) => prefixed(body, 0, body.length).subarray(0, 1 + random.below(4)),
};

/** One in so many has a wrong prefix. */
const FRAME_SHARE = 0.2;

const BODY_KINDS = Object.entries(BODIES);
const FRAME_KINDS = Object.entries(FRAMES);

/** A request with something wrong, or nothing. */
export function mutate(body: Buffer, random: Random): Mutant {
  if (random.next() < FRAME_SHARE) {
    const [how, mutation] = random.pick(FRAME_KINDS);
    return { how, bytes: mutation(body, random) };
  }
  const [how, mutation] = random.pick(BODY_KINDS);
  const wrong = mutation(body, random);
  return { how, bytes: prefixed(wrong, 0, wrong.length) };
}

/** JSON that is none, or not what is expected. */
export function mutateJson(value: object, random: Random): string {
  const text = JSON.stringify(value);
  const depth = random.pick(DEPTHS);
  return random.pick([
    () => text.slice(0, random.below(text.length)),
    () => `${text.slice(0, random.below(text.length))}\u0000\ud800${text}`,
    () => "[".repeat(depth),
    () => `${"[".repeat(depth)}${"]".repeat(depth)}`,
    () => `{"node":${'{"metadata":'.repeat(depth)}1${"}".repeat(depth + 1)}`,
    () => text.replaceAll(/"[a-z]\w*"/gi, () => random.pick(["null", "1e999", '"__proto__"', "[]", '"\\ud800"'])),
    () => `{"__proto__":${text},"constructor":{"prototype":${text}}}`,
    () =>
      JSON.stringify({
        ...value,
        node: random.pick([null, 7, "x", [], { id: 1 }, { id: "" }, { id: "a", metadata: 3 }]),
      }),
    () =>
      JSON.stringify({
        ...value,
        resource_names: random.pick([null, 7, "x", [1], [null], [{}], ["a".repeat(100_000)]]),
      }),
  ])();
}

function prefixed(body: Buffer, flag: number, length: number): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, body]);
}

/** A message in a message in a message, in the field of this number. */
function nested(depth: number, number: number): Buffer {
  const parts: Buffer[] = [];
  let size = 0;
  for (let n = 0; n < depth; n += 1) {
    const head = [(number << 3) | 2];
    let rest = size;
    for (; rest > 127; rest >>>= 7) head.push((rest & 127) | 128);
    head.push(rest);
    parts.push(Buffer.from(head));
    size += head.length;
  }
  return Buffer.concat(parts.reverse());
}
