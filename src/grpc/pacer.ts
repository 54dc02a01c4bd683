import { Fifo } from "../control/fifo.ts";

/** Something that takes messages and says when it is done with each. */
export interface PacedWriter<M> {
  /**
   * Writes the message, which is made into bytes only now: what waits takes no memory of its own.
   *
   * @returns how many bytes that is; 0 where it is done already
   */
  write(message: M, done: () => void): number;
  /** False once the stream has ended: what is still queued for it is dropped. */
  readonly open: boolean;
  /** The client has taken nothing for so long that it is given up, also where its stream has ended since. */
  stalled(): void;
}

/** How much is written at a time, and how long a client may take for it; times in milliseconds. */
export interface Pace {
  /** Unfinished writes over all streams. */
  readonly places: number;
  /** Of messages shorter than this, sixteen take one place: they leave in fewer turns of the loop, and are little to hold. */
  readonly smallBytes: number;
  /** After this long a write gives its place to others: a client that does not read slows nobody else. */
  readonly yieldMs: number;
  /** After this long the client is given up. */
  readonly stallMs: number;
  /** Bytes of unfinished writes over all streams. At this much nothing more is written until some have left. */
  readonly bytes: number;
  /** Where bytes are at their bound, a client is given up after this long: the others wait for it. */
  readonly crowdedMs: number;
}

const PACE: Pace = {
  places: 64,
  smallBytes: 4_096,
  yieldMs: 100,
  stallMs: 60_000,
  bytes: 128 << 20,
  crowdedMs: 10_000,
};

interface Write<M> {
  readonly stream: PacedStream<M>;
  readonly since: number;
  bytes: number;
  isFinished: boolean;
  /** So many sixteenths of a place are its own. */
  place: number;
}

/** What is counted are sixteenths of places. */
const PLACE = 16;
const SMALL_PLACE = 1;

interface Queued<M> {
  readonly stream: PacedStream<M>;
  readonly message: M;
}

/**
 * Writes with at most so many unfinished over all streams, and so many bytes: memory stays bounded by the pace and not by
 * the fleet. In order for each stream; new streams go before those that have their configuration already.
 */
export class Pacer<M> {
  readonly #pace: Pace;
  readonly #urgent = new Fifo<Queued<M>>();
  readonly #normal = new Fifo<Queued<M>>();
  /** The oldest first. */
  readonly #unfinished = new Set<Write<M>>();
  /** In sixteenths of places. */
  #taken = 0;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(pace: Partial<Pace> = {}) {
    this.#pace = { ...PACE, ...pace };
  }

  /** A stream's way to its writer. */
  stream(writer: PacedWriter<M>): PacedStream<M> {
    return new PacedStream(writer, this);
  }

  /** Called by PacedStream. */
  submit(queued: Queued<M>, urgent: boolean): void {
    const { stream } = queued;
    if (this.#urgent.size + this.#normal.size === 0 && this.#hasRoom) {
      if (stream.writer.open) this.#write(queued);
      return;
    }
    // Never before what the same stream was told earlier.
    if (urgent && stream.queued === 0) this.#urgent.push(queued);
    else {
      stream.queued += 1;
      this.#normal.push(queued);
    }
    this.#drain();
  }

  get #hasRoom(): boolean {
    return this.#taken < this.#pace.places * PLACE && this.#bytes < this.#pace.bytes;
  }

  #drain(): void {
    while (this.#hasRoom) {
      const next = this.#urgent.shift() ?? this.#shiftNormal();
      if (next === undefined) return;
      if (next.stream.writer.open) this.#write(next);
    }
  }

  #shiftNormal(): Queued<M> | undefined {
    const next = this.#normal.shift();
    if (next !== undefined) next.stream.queued -= 1;
    return next;
  }

  #write({ stream, message }: Queued<M>): void {
    const write: Write<M> = { stream, since: Date.now(), bytes: 0, isFinished: false, place: PLACE };
    this.#unfinished.add(write);
    this.#taken += PLACE;
    this.#timer ??= setInterval(() => this.#look(), this.#pace.yieldMs).unref();
    const bytes = stream.writer.write(message, () => this.#finish(write));
    if (write.isFinished) return;
    write.bytes = bytes;
    this.#bytes += bytes;
    if (bytes < this.#pace.smallBytes) this.#hold(write, SMALL_PLACE);
  }

  #finish(write: Write<M>): void {
    if (write.isFinished) return;
    this.#release(write);
    this.#drain();
  }

  #release(write: Write<M>): void {
    write.isFinished = true;
    this.#unfinished.delete(write);
    this.#bytes -= write.bytes;
    this.#hold(write, 0);
  }

  #hold(write: Write<M>, place: number): void {
    this.#taken += place - write.place;
    write.place = place;
  }

  #look(): void {
    if (this.#unfinished.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const now = Date.now();
    for (const write of this.#unfinished) {
      const age = now - write.since;
      if (age < this.#pace.yieldMs) break;
      // Also of a stream that has ended: what it was sent before holds memory until it has left or the client is given up.
      if (age < this.#patience()) this.#hold(write, 0);
      else {
        this.#release(write);
        write.stream.writer.stalled();
      }
    }
    // Only now: what is written meanwhile would take the room that was made, and one client after another would be given up.
    this.#drain();
  }

  /** How long a client may take: less where the others wait for the memory that it holds. */
  #patience(): number {
    const { bytes, crowdedMs, stallMs } = this.#pace;
    return this.#bytes < bytes ? stallMs : Math.min(stallMs, crowdedMs);
  }
}

/** One stream's messages, in order. */
export class PacedStream<M> {
  readonly writer: PacedWriter<M>;
  readonly #pacer: Pacer<M>;
  /** Messages that wait in the normal lane; kept by the pacer. */
  queued = 0;

  constructor(writer: PacedWriter<M>, pacer: Pacer<M>) {
    this.writer = writer;
    this.#pacer = pacer;
  }

  /** @param urgent the client has nothing yet, or waits for this */
  send(message: M, urgent: boolean): void {
    this.#pacer.submit({ stream: this, message }, urgent);
  }
}
