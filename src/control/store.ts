import type { EventBody, JournalEvent } from "../core/journal/event.ts";

/**
 * Where everything durable lives: one append-only journal and content-addressed blobs.
 * An append that resolves is on disk. Implementations: SQLite (`store/sqlite.ts`).
 */
export interface Store {
  /**
   * Appends events and puts the blobs they name, all or nothing.
   *
   * @param expectedHead the sequence number of the last event that the caller knows (0 for an empty journal)
   * @returns the events as they now stand
   * @throws ControlError `conflict` when the journal has moved on, `store-failed` when it cannot be written
   */
  append(
    expectedHead: number,
    at: string,
    events: readonly EventBody[],
    blobs?: readonly Uint8Array[],
  ): Promise<readonly JournalEvent[]>;
  /** Events after `after`, oldest first, at most `limit`. */
  read(after: number, limit: number): Promise<readonly JournalEvent[]>;
  /** The blob with this sha-256 (hex), or undefined. */
  blob(digest: string): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}
