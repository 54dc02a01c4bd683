import type { Framed } from "./framing.ts";

/** Something that takes messages and says when it is done with each. */
export interface PacedWriter {
  write(message: Framed, done: () => void): void;
  /** False once the stream has ended: what is still queued for it is dropped. */
  readonly open: boolean;
  /** The client has taken nothing for so long that it is given up. */
  stalled(): void;
}

/** How much is written at a time, and how long a client may take for it; times in milliseconds. */
export interface Pace {
  /** Unfinished writes over all streams. */
  readonly places: number;
  /** After this long a write gives its place to others: a client that does not read slows nobody else. */
  readonly yieldMs: number;
  /** After this long the client is given up. */
  readonly stallMs: number;
}

const PACE: Pace = { places: 64, yieldMs: 100, stallMs: 60_000 };

interface Write {
  readonly stream: PacedStream;
  readonly since: number;
  holdsPlace: boolean;
}

interface Queued {
  readonly stream: PacedStream;
  readonly message: Framed;
}

/**
 * Writes with at most so many unfinished over all streams: memory stays bounded by the pace and not by the fleet. In
 * order for each stream; new streams go before those that have their configuration already.
 */
export class Pacer {
  readonly #pace: Pace;
  readonly #urgent = new Fifo<Queued>();
  readonly #normal = new Fifo<Queued>();
  /** The oldest first. */
  readonly #unfinished = new Set<Write>();
  #taken = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(pace: Partial<Pace> = {}) {
    this.#pace = { ...PACE, ...pace };
  }

  /** A stream's way to its writer. */
  stream(writer: PacedWriter): PacedStream {
    return new PacedStream(writer, this);
  }

  /** Called by PacedStream. */
  submit(queued: Queued, urgent: boolean): void {
    const { stream } = queued;
    // Never before what the same stream was told earlier.
    if (urgent && stream.queued === 0) this.#urgent.push(queued);
    else {
      stream.queued += 1;
      this.#normal.push(queued);
    }
    this.#drain();
  }

  #drain(): void {
    while (this.#taken < this.#pace.places) {
      const next = this.#urgent.shift() ?? this.#shiftNormal();
      if (next === undefined) return;
      if (next.stream.writer.open) this.#write(next);
    }
  }

  #shiftNormal(): Queued | undefined {
    const next = this.#normal.shift();
    if (next !== undefined) next.stream.queued -= 1;
    return next;
  }

  #write({ stream, message }: Queued): void {
    const write: Write = { stream, since: Date.now(), holdsPlace: true };
    this.#unfinished.add(write);
    this.#taken += 1;
    this.#timer ??= setInterval(() => this.#look(), this.#pace.yieldMs).unref();
    stream.writer.write(message, () => {
      this.#unfinished.delete(write);
      this.#leave(write);
    });
  }

  #leave(write: Write): void {
    if (!write.holdsPlace) return;
    write.holdsPlace = false;
    this.#taken -= 1;
    this.#drain();
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
      if (age < this.#pace.yieldMs) return;
      if (age >= this.#pace.stallMs || !write.stream.writer.open) {
        this.#unfinished.delete(write);
        if (write.stream.writer.open) write.stream.writer.stalled();
      }
      this.#leave(write);
    }
  }
}

/** One stream's messages, in order. */
export class PacedStream {
  readonly writer: PacedWriter;
  readonly #pacer: Pacer;
  /** Messages that wait in the normal lane; kept by the pacer. */
  queued = 0;

  constructor(writer: PacedWriter, pacer: Pacer) {
    this.writer = writer;
    this.#pacer = pacer;
  }

  /** @param urgent the client has nothing yet, or waits for this */
  send(message: Framed, urgent: boolean): void {
    this.#pacer.submit({ stream: this, message }, urgent);
  }
}

/** A queue that is as fast with ten thousand entries as with ten. */
class Fifo<T> {
  #incoming: T[] = [];
  #outgoing: T[] = [];

  push(item: T): void {
    this.#incoming.push(item);
  }

  shift(): T | undefined {
    if (this.#outgoing.length === 0 && this.#incoming.length > 0) {
      this.#outgoing = this.#incoming.reverse();
      this.#incoming = [];
    }
    return this.#outgoing.pop();
  }
}
