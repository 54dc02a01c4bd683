import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Store } from "../control/store.ts";
import { ControlError } from "../core/failure/control-error.ts";
import type { EventBody, JournalEvent } from "../core/journal/event.ts";
import { type Database, openDatabase } from "./driver.ts";
import { whyOrphaned, whyUnusable } from "./inspect.ts";
import { lockFolder } from "./lock.ts";
import { createDatabase, DURABLE } from "./schema.ts";

/** An open store, or why there is none, in a sentence that says what to do. */
export type OpenResult = { readonly store: Store } | { readonly unusable: string };

export interface SqliteOptions {
  /** Named to a second process that wants the folder; this process by default. */
  readonly pid?: number;
  /** The most pages of 4 KiB that the database may have; as many as the disk has by default. */
  readonly maxPages?: number;
}

/**
 * Opens the store in a folder, which is made where it is missing. A database that is damaged, foreign or from a newer
 * version is left exactly as it is.
 *
 * @throws ControlError `conflict` when another process has the folder
 */
export async function openSqliteStore(dir: string, options: SqliteOptions = {}): Promise<OpenResult> {
  const path = join(dir, "belay.db");
  let unlock: (() => void) | undefined;
  try {
    makeFolder(dir);
    unlock = lockFolder(join(dir, "belay.lock"), options.pid ?? process.pid);
    const why = existsSync(path) ? whyUnusable(path) : whyOrphaned(path);
    if (why !== undefined) {
      unlock();
      return { unusable: why };
    }
    if (!existsSync(path)) createDatabase(path);
    return { store: new SqliteStore(path, unlock, options) };
  } catch (error) {
    unlock?.();
    if (error instanceof ControlError) throw error;
    return {
      unusable: `the store in ${dir} cannot be opened: ${messageOf(error)}. See to the folder: it must be one that this user can write to, with space left`,
    };
  }
}

/** Has the folder a database, whatever state that is in? */
export function hasDatabase(dir: string): boolean {
  return existsSync(join(dir, "belay.db"));
}

/** One folder at a time: Node's own recursion never ends where a file system takes no folders (`/proc`). */
function makeFolder(dir: string): void {
  if (existsSync(dir)) return;
  if (dirname(dir) !== dir) makeFolder(dirname(dir));
  mkdirSync(dir, { mode: 0o700 });
}

interface EventRow {
  readonly seq: number;
  readonly at: string;
  readonly body: string;
  readonly sum: Uint8Array;
}

/** The journal and its blobs in one SQLite file. Statements are prepared once: prepared in a loop they hold memory. */
class SqliteStore implements Store {
  readonly #path: string;
  readonly #db: Database;
  readonly #unlock: () => void;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(path: string, unlock: () => void, options: SqliteOptions) {
    this.#path = path;
    this.#unlock = unlock;
    this.#db = openDatabase(path);
    try {
      this.#db.exec(`PRAGMA busy_timeout = 1000; ${DURABLE}`);
      if (options.maxPages !== undefined) this.#db.exec(`PRAGMA max_page_count = ${Math.trunc(options.maxPages)}`);
      this.#statements = prepare(this.#db);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  append(
    expectedHead: number,
    at: string,
    events: readonly EventBody[],
    blobs: readonly Uint8Array[] = [],
  ): Promise<readonly JournalEvent[]> {
    return this.#attempt("written", () => this.#append(expectedHead, at, events, blobs));
  }

  read(after: number, limit: number): Promise<readonly JournalEvent[]> {
    return this.#attempt("read", () => {
      const rows = this.#statements.read.all(after, limit) as EventRow[];
      return rows.map((row) => this.#event(row));
    });
  }

  blob(digest: string): Promise<Uint8Array | undefined> {
    return this.#attempt("read", () => {
      if (!/^[0-9a-f]{64}$/.test(digest)) return undefined;
      const row = this.#statements.blob.get(Buffer.from(digest, "hex")) as { bytes: Uint8Array } | undefined;
      if (row === undefined) return undefined;
      if (sha256(row.bytes).toString("hex") === digest) return row.bytes;
      throw new ControlError(
        "not-ready",
        `${this.#path} is damaged: blob ${digest} has other content. Restore it from a copy`,
      );
    });
  }

  close(): Promise<void> {
    if (!this.#db.isOpen) return Promise.resolve();
    // The driver frees statements only when they are collected as garbage, so its own close leaves the log as it is.
    try {
      this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // A disk that is full or gone: the log has everything, and is read at the next start.
    }
    this.#db.close();
    this.#unlock();
    return Promise.resolve();
  }

  #append(
    expectedHead: number,
    at: string,
    events: readonly EventBody[],
    blobs: readonly Uint8Array[],
  ): readonly JournalEvent[] {
    const { begin, commit, head, putEvent, putBlob } = this.#statements;
    begin.run();
    try {
      const { last } = head.get() as { last: number };
      if (last !== expectedHead) throw movedOn(expectedHead, last);
      for (const bytes of blobs) putBlob.run(sha256(bytes), bytes);
      const written = events.map((body, index) => ({ seq: expectedHead + 1 + index, at, body }));
      for (const event of written) {
        const body = JSON.stringify(event.body);
        putEvent.run(event.seq, at, body, sumOf(event.seq, at, body));
      }
      commit.run();
      return written;
    } catch (error) {
      if (this.#db.isTransaction) this.#statements.rollback.run();
      throw error;
    }
  }

  #event({ seq, at, body, sum }: EventRow): JournalEvent {
    if (Buffer.compare(sumOf(seq, at, body), sum) !== 0) {
      throw new ControlError(
        "not-ready",
        `${this.#path} is damaged: event ${seq} has other content. Restore it from a copy`,
      );
    }
    return { seq, at, body: JSON.parse(body) as EventBody };
  }

  /** Every failure of the store becomes one that a caller can show; nothing was changed by it. */
  async #attempt<T>(what: "written" | "read", work: () => T): Promise<T> {
    try {
      if (!this.#db.isOpen) throw new Error("the store is closed");
      return work();
    } catch (error) {
      if (error instanceof ControlError) throw error;
      const message = `the store cannot be ${what} (${this.#path}): ${messageOf(error)}. Nothing was changed. Free space or mend the disk, then ask again`;
      throw new ControlError("store-failed", message, { cause: error });
    }
  }
}

function prepare(db: Database) {
  return {
    begin: db.prepare("BEGIN IMMEDIATE"),
    commit: db.prepare("COMMIT"),
    rollback: db.prepare("ROLLBACK"),
    head: db.prepare("SELECT coalesce(max(seq), 0) AS last FROM events"),
    read: db.prepare("SELECT seq, at, body, sum FROM events WHERE seq > ? ORDER BY seq LIMIT ?"),
    putEvent: db.prepare("INSERT INTO events (seq, at, body, sum) VALUES (?, ?, ?, ?)"),
    putBlob: db.prepare("INSERT OR IGNORE INTO blobs (digest, bytes) VALUES (?, ?)"),
    blob: db.prepare("SELECT bytes FROM blobs WHERE digest = ?"),
  };
}

const SUM_LENGTH = 16;

function sumOf(seq: number, at: string, body: string): Buffer {
  return sha256(`${seq}\n${at}\n${body}`).subarray(0, SUM_LENGTH);
}

function sha256(content: Uint8Array | string): Buffer {
  return createHash("sha256").update(content).digest();
}

function movedOn(expected: number, head: number): ControlError {
  return new ControlError("conflict", `the journal has moved on: it is at ${head}, not at ${expected}. Ask again`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
