import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { type Database, openToRead } from "./driver.ts";
import { APPLICATION_ID, SCHEMA_VERSION } from "./schema.ts";

const MAGIC = "SQLite format 3\0";
const HEADER_LENGTH = 100;
const USER_VERSION_AT = 60;
const APPLICATION_ID_AT = 68;

/** What is said last of every file that is not used. */
const KEPT = "The file is left as it is, and what Envoys have stays in force";

/**
 * Why the database cannot be used, in a sentence with what to do; undefined where it can. Nothing is written to it:
 * a foreign file is not even opened by SQLite, which might replay its log.
 */
export function whyUnusable(path: string): string | undefined {
  const strange = whyStrange(path);
  if (strange !== undefined) return strange;
  try {
    return whyDamaged(path);
  } catch (error) {
    return damaged(path, error instanceof Error ? error.message : String(error));
  }
}

function whyStrange(path: string): string | undefined {
  const header = headerOf(path);
  if (typeof header === "string") return header;
  if (header.length < HEADER_LENGTH) {
    return damaged(path, `it is only ${statSync(path).size} bytes long, it was cut off`);
  }
  if (header.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    return `${path} is not a database of Belay: it is no SQLite file. ${KEPT}. Move it away, or name another folder with --data`;
  }
  if (header.readUInt32BE(APPLICATION_ID_AT) !== APPLICATION_ID) {
    return `${path} is a SQLite file of another application. ${KEPT}. Move it away, or name another folder with --data`;
  }
  return whyOtherVersion(path, header.readUInt32BE(USER_VERSION_AT));
}

function whyOtherVersion(path: string, version: number): string | undefined {
  if (version === SCHEMA_VERSION) return undefined;
  if (version > SCHEMA_VERSION) {
    return `${path} was written by a newer version of Belay (schema ${version}, this one knows ${SCHEMA_VERSION}). ${KEPT}. Run the newer version`;
  }
  return damaged(path, `its schema version is ${version}`);
}

function headerOf(path: string): Buffer | string {
  if (!statSync(path).isFile()) return `${path} is not a file. Name another folder with --data`;
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    return `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}. Give this user the right to read and write it`;
  }
  try {
    const header = Buffer.alloc(HEADER_LENGTH);
    return header.subarray(0, readSync(file, header, 0, HEADER_LENGTH, 0));
  } finally {
    closeSync(file);
  }
}

function whyDamaged(path: string): string | undefined {
  // Read-only: a damaged file must not be checkpointed into something worse.
  const db = openToRead(path);
  try {
    const version = whyOtherVersion(path, number(db, "PRAGMA user_version", "user_version"));
    if (version !== undefined) return version;
    const { quick_check: verdict } = db.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
    if (verdict !== "ok") return damaged(path, verdict.replaceAll("\n", " ").slice(0, 200));
    const { count, first, last } = db
      .prepare("SELECT count(*) AS count, min(seq) AS first, max(seq) AS last FROM events")
      .get() as { count: number; first: number | null; last: number | null };
    const isWhole = count === 0 || (first === 1 && last === count);
    return isWhole ? undefined : damaged(path, `events are missing: ${count} of ${first} to ${last} are there`);
  } finally {
    db.close();
  }
}

function number(db: Database, sql: string, column: string): number {
  const row = db.prepare(sql).get() as Record<string, unknown> | undefined;
  return Number(row?.[column]);
}

function damaged(path: string, how: string): string {
  return `${path} is damaged: ${how}. ${KEPT}. Restore it from a copy`;
}

/** A log without its database: the database was removed, and what it held is in neither. */
export function whyOrphaned(path: string): string | undefined {
  if (!existsSync(`${path}-wal`) || statSync(`${path}-wal`).size === 0) return undefined;
  return `${path} is gone, but its log ${path}-wal is there. Nothing was created in its place, and what Envoys have stays in force. Restore the database from a copy, or move the log away to start empty`;
}
