import type { Clock } from "./clock.ts";

/** Moments are rounded up to a multiple of this, in milliseconds: thousands of one moment have one timer. */
const GRAIN_MS = 50;

/** Who is looked at again when a moment has come, even if nothing happens until then. */
export class Revisits<T> {
  readonly #clock: Clock;
  readonly #visit: (one: T) => void;
  /** By moment. */
  readonly #due = new Map<number, Set<T>>();

  constructor(clock: Clock, visit: (one: T) => void) {
    this.#clock = clock;
    this.#visit = visit;
  }

  /** Visits this one then, in milliseconds since the epoch; once, however often it is said. */
  at(moment: number, one: T): void {
    const rounded = Math.ceil(moment / GRAIN_MS) * GRAIN_MS;
    const due = this.#due.get(rounded);
    if (due !== undefined) {
      due.add(one);
      return;
    }
    this.#due.set(rounded, new Set([one]));
    this.#clock.after(rounded - this.#clock.now(), () => this.#visitAll(rounded));
  }

  #visitAll(moment: number): void {
    const due = this.#due.get(moment) ?? [];
    this.#due.delete(moment);
    for (const one of due) this.#visit(one);
  }
}
