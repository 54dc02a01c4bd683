import { GrpcError, STATUS } from "./status.ts";

/** Before each message: a byte that says whether it is compressed, and its length in four. */
export const PREFIX_BYTES = 5;

/** Messages ready to be sent, prefix included; parts may be shared with other streams. */
export type Framed = readonly Uint8Array[];

/** How long it is, with its prefix. */
export function bytesOf(message: Framed): number {
  let bytes = 0;
  for (let index = 0; index < message.length; index += 1) bytes += message[index]?.length ?? 0;
  return bytes;
}

/** Puts the prefix before a message. */
export function framed(message: Uint8Array): Framed {
  return [prefixOf(message.length), message];
}

/** The prefix of an uncompressed message of so many bytes. */
export function prefixOf(length: number): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(length, 1);
  return prefix;
}

const NOTHING = Buffer.alloc(0);

/** Bytes of unfinished messages over all streams of a server: who only begins messages cannot fill the memory. */
export class ReceiveBudget {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Takes so many bytes, or gives them back where there are fewer than nothing.
   *
   * @throws GrpcError where there are not so many left
   */
  take(bytes: number): void {
    if (bytes > 0 && this.#used + bytes > this.#limit) {
      throw new GrpcError(STATUS.resourceExhausted, "too many unfinished requests are on their way; try again later");
    }
    this.#used += bytes;
  }
}

/** Cuts what comes in on a stream into messages. A message is a view on what came in wherever it came in one piece. */
export class FrameReader {
  readonly #maxBytes: number;
  readonly #budget: ReceiveBudget;
  #buffer: Buffer = NOTHING;
  #start = 0;
  #end = 0;
  /** Room that was made here, in bytes; 0 while the buffer is what came in. */
  #owned = 0;
  /** Is the message that `next` returned last compressed? */
  compressed = false;

  constructor(maxBytes: number, budget: ReceiveBudget) {
    this.#maxBytes = maxBytes;
    this.#budget = budget;
  }

  /** Has the stream stopped within a message? */
  get isMidway(): boolean {
    return this.#end > this.#start;
  }

  push(chunk: Buffer): void {
    if (this.#start === this.#end) {
      this.release();
      this.#buffer = chunk;
      this.#end = chunk.length;
      return;
    }
    const needed = this.#end - this.#start + chunk.length;
    // What was handed out before stays as it is: bytes are only ever added behind it.
    if (this.#owned === 0 || this.#buffer.length - this.#end < chunk.length) this.#grow(needed);
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  /**
   * The next whole message, undefined until there is one.
   *
   * @throws GrpcError for one that is too long, or whose prefix is none
   */
  next(): Buffer | undefined {
    const have = this.#end - this.#start;
    if (have === 0) {
      // An idle stream keeps nothing of what it last heard.
      this.release();
      return undefined;
    }
    const flag = this.#buffer[this.#start] as number;
    if (flag > 1) throw new GrpcError(STATUS.internal, `a message begins with ${flag} where its compression is said`);
    if (have < PREFIX_BYTES) return undefined;
    const length = this.#length();
    if (length > this.#maxBytes) {
      throw new GrpcError(
        STATUS.resourceExhausted,
        `a message of ${length} bytes is longer than the limit of ${this.#maxBytes}`,
      );
    }
    if (have < PREFIX_BYTES + length) return undefined;
    const from = this.#start + PREFIX_BYTES;
    this.#start = from + length;
    this.compressed = flag === 1;
    return this.#buffer.subarray(from, this.#start);
  }

  /** Lets go of what was kept. */
  release(): void {
    if (this.#owned > 0) this.#budget.take(-this.#owned);
    this.#owned = 0;
    this.#buffer = NOTHING;
    this.#start = 0;
    this.#end = 0;
  }

  #length(): number {
    return this.#buffer.readUInt32BE(this.#start + 1);
  }

  /** Twice as much each time, but never more than the message has: a length that is only claimed takes no memory. */
  #grow(needed: number): void {
    const have = this.#end - this.#start;
    const whole = have < PREFIX_BYTES ? needed : PREFIX_BYTES + this.#length();
    const room = Math.max(needed, Math.min(2 * needed, whole));
    this.#budget.take(room - this.#owned);
    this.#owned = room;
    const grown = Buffer.allocUnsafeSlow(room);
    this.#buffer.copy(grown, 0, this.#start, this.#end);
    this.#buffer = grown;
    this.#start = 0;
    this.#end = have;
  }
}
