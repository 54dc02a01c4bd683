import { Fifo } from "./fifo.ts";

/** The loop of the process, as turns need it: a clock for spans in milliseconds, and a way to go on after other work. */
export interface Loop {
  now(): number;
  next(work: () => void): void;
}

/** How long work may hold the loop at once, and how much of that is left to each lane; times in milliseconds. */
export interface Slice {
  readonly ms: number;
  /** The part of a slice in which urgent work alone is done; the rest is for the other, where there is any. */
  readonly urgentMs: number;
}

/** Sockets are read, and written, and timers run every 5 ms, whatever there is to do. */
const SLICE: Slice = { ms: 5, urgentMs: 4 };

const systemLoop: Loop = { now: () => performance.now(), next: (work) => void setImmediate(work) };

/**
 * Work that is done soon, in slices: one change to ten thousand streams is ten thousand small pieces, and nothing else
 * waits for more than one slice of them. What new and warming streams wait for goes first, but never takes a whole slice:
 * a storm of new streams does not starve those that run (P72).
 */
export class Turns {
  readonly #loop: Loop;
  readonly #slice: Slice;
  readonly #urgent = new Fifo<() => void>();
  readonly #normal = new Fifo<() => void>();
  #isDue = false;

  constructor(loop: Loop = systemLoop, slice: Slice = SLICE) {
    this.#loop = loop;
    this.#slice = slice;
  }

  /** Does the work soon, after what is there already; in order within a lane. */
  defer(work: () => void, isUrgent: boolean): void {
    (isUrgent ? this.#urgent : this.#normal).push(work);
    this.#wake();
  }

  #wake(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#loop.next(() => this.#turn());
  }

  #turn(): void {
    this.#isDue = false;
    const from = this.#loop.now();
    try {
      this.#work(this.#urgent, from + this.#slice.urgentMs);
      this.#work(this.#normal, from + this.#slice.ms);
      // Nobody else had anything to do: the rest of the slice is free.
      if (this.#loop.now() < from + this.#slice.ms) this.#work(this.#urgent, from + this.#slice.ms);
    } finally {
      if (this.#urgent.size + this.#normal.size > 0) this.#wake();
    }
  }

  /** At least one piece, however late it is: no lane ever waits for ever. */
  #work(lane: Fifo<() => void>, until: number): void {
    let work = lane.shift();
    while (work !== undefined) {
      work();
      if (this.#loop.now() >= until) return;
      work = lane.shift();
    }
  }
}
