import { Recent } from "../control/recent.ts";

/** A run of entries of one field as it came over the wire, and what it says. */
interface Run<T> {
  readonly bytes: Buffer;
  readonly value: T;
}

/**
 * Runs that are remembered, and bytes in all of them; those of other groups of nodes push the oldest out. One that nobody
 * has sent for five minutes goes too: its nodes have all come back.
 */
const KEPT = { count: 1_024, bytes: 16 << 20, ms: 5 * 60_000 };

/** Shorter runs are read at least as fast as they are found. */
const SHORTEST_BYTES = 32;

/**
 * Remembers long lists that clients send again and again: every node of a group names the same resources, in each ACK
 * too. A list that is known is not read, only compared, and all streams share its value; among many lists it is found by
 * its length and some of its bytes.
 */
export class RepeatedRuns<T> {
  /** By `keyOf`. */
  readonly #runs: Recent<number, Run<T>>;
  #last: Run<T> | undefined;

  /** @param now a clock for spans, in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#runs = new Recent(KEPT, now);
  }

  /** The run that begins here, as a whole: behind it no further entry with this tag follows at once. */
  find(message: Buffer, from: number, end: number): { readonly value: T; readonly end: number } | undefined {
    const last = this.#last;
    if (last !== undefined && isAt(last, message, from, end))
      return { value: last.value, end: from + last.bytes.length };
    const until = endOfRun(message, from, end);
    if (until - from < SHORTEST_BYTES) return undefined;
    const key = keyOf(message, from, until);
    const run = this.#runs.get(key);
    if (run === undefined || !isAt(run, message, from, end)) return undefined;
    this.#runs.use(key);
    this.#last = run;
    return { value: run.value, end: until };
  }

  /** Remembers a run that was read. Its value is shared from now on: nobody may change it. */
  remember(message: Buffer, from: number, end: number, value: T): void {
    const length = end - from;
    if (length < SHORTEST_BYTES || length > KEPT.bytes) return;
    const run = { bytes: copyOf(message, from, end), value };
    this.#runs.set(keyOf(message, from, end), run, length);
    this.#last = run;
  }
}

/** In memory of its own: a part of what Node shares out among short buffers keeps 8 KiB, for a list of a hundred bytes. */
function copyOf(message: Buffer, from: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - from);
  message.copy(copy, 0, from, end);
  return copy;
}

function isAt<T>({ bytes }: Run<T>, message: Buffer, from: number, end: number): boolean {
  const { length } = bytes;
  const until = from + length;
  if (until > end || (until < end && message[until] === message[from])) return false;
  // Two bytes tell most runs apart, at a twentieth of the price.
  const middle = length >>> 1;
  if (bytes[length - 1] !== message[until - 1] || bytes[middle] !== message[from + middle]) return false;
  return bytes.compare(message, from, until) === 0;
}

/** Where the entries with the tag at `from` end; `from` where they are broken, which whoever reads them finds out. */
function endOfRun(message: Buffer, from: number, end: number): number {
  const tag = message[from];
  let at = from;
  while (at < end && message[at] === tag) {
    at += 1;
    let [length, factor, byte] = [0, 1, 0x80];
    while (byte >= 0x80 && at < end) {
      byte = message[at] as number;
      length += (byte & 0x7f) * factor;
      factor *= 128;
      at += 1;
    }
    at += length;
  }
  return at > end ? from : at;
}

/** Bytes that the key is made of, about: all of a short list, some of a long one. */
const SAMPLES = 512;

function keyOf(message: Buffer, from: number, end: number): number {
  const length = end - from;
  const stride = Math.max(1, Math.floor(length / SAMPLES));
  let key = length;
  for (let at = end - 1; at >= from; at -= stride) key = (Math.imul(key, 31) + (message[at] as number)) | 0;
  return key;
}
