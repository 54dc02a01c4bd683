import { ControlError } from "../core/failure/control-error.ts";
import type { EventBody, JournalEvent } from "../core/journal/event.ts";
import { emptyState, foldAll } from "../core/journal/fold.ts";
import type { State } from "../core/journal/state.ts";
import type { Clock } from "./clock.ts";
import type { Store } from "./store.ts";

/** Events read at a time when the journal is folded. */
const PAGE = 1_000;

/** The journal and its fold, which changes only when an append is on disk. */
export class Ledger {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #listeners = new Set<(event: JournalEvent) => void>();
  #state: State = emptyState();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  get state(): State {
    return this.#state;
  }

  /**
   * Folds what the store has and the state does not have yet.
   *
   * @throws ControlError `not-ready` for a journal that this version cannot read
   */
  async catchUp(): Promise<void> {
    for (;;) {
      const events = await this.#store.read(this.#state.seq, PAGE);
      this.#take(events);
      if (events.length < PAGE) return;
    }
  }

  /** The state as it would be after these events, which are not written. */
  preview(events: readonly EventBody[], onto: State = this.#state): State {
    const at = this.#now();
    return foldAll(
      onto,
      events.map((body, index) => ({ seq: onto.seq + 1 + index, at, body })),
    );
  }

  /** Writes events, then folds them, then tells who watches. */
  async append(events: readonly EventBody[], blobs: readonly Uint8Array[] = []): Promise<void> {
    try {
      this.#take(await this.#store.append(this.#state.seq, this.#now(), events, blobs));
    } catch (error) {
      // A write that failed may have come through all the same: what the journal has counts.
      if (error instanceof ControlError && error.code === "conflict") await this.catchUp();
      throw error;
    }
  }

  /** Calls back for each event once it is on disk. */
  watch(listener: (event: JournalEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #take(events: readonly JournalEvent[]): void {
    this.#state = foldAll(this.#state, events);
    for (const event of events) for (const listener of this.#listeners) listener(event);
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString();
  }
}
