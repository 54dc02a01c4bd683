import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { openDatabase } from "./driver.ts";

/** Marks a SQLite file as a journal of Belay: "BLAY". */
export const APPLICATION_ID = 0x424c4159;

/** `PRAGMA user_version` of the files that this version reads and writes. */
export const SCHEMA_VERSION = 1;

/** `sum` is a checksum over the rest of the row, so that a flipped bit is noticed before it is served. */
const SCHEMA = `
  CREATE TABLE events (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, body TEXT NOT NULL, sum BLOB NOT NULL) STRICT;
  CREATE TABLE blobs (digest BLOB PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
`;

/** How the file is written: an append that has returned survives a loss of power. */
export const DURABLE = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";

/**
 * Makes an empty database beside its place and moves it there when it is whole, so that a file of no length is never
 * ours: such a file was cut off.
 */
export function createDatabase(path: string): void {
  const fresh = `${path}.new`;
  for (const leftover of [fresh, `${fresh}-journal`, `${fresh}-wal`, `${fresh}-shm`]) rmSync(leftover, { force: true });
  // Rows may hold keys of certificates: for the owner's eyes only. The files beside it take the same mode.
  closeSync(openSync(fresh, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600));
  const db = openDatabase(fresh);
  try {
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION};`);
    db.exec("PRAGMA journal_mode = WAL;");
    db.exec(SCHEMA);
    db.exec("PRAGMA wal_checkpoint(TRUNCATE);");
  } finally {
    db.close();
  }
  flush(fresh);
  renameSync(fresh, path);
  flush(dirname(path));
}

function flush(path: string): void {
  const file = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
