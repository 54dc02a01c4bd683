import { existsSync, statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { DatabaseSync } from "@photostructure/sqlite";

/** An open SQLite file. The interface is that of `node:sqlite`, which takes the driver's place one day by this import. */
export type Database = InstanceType<typeof DatabaseSync>;

/** Opens a SQLite file, which is made where it is missing. */
export function openDatabase(path: string): Database {
  return new DatabaseSync(path);
}

/** Opens a SQLite file to look at it: nothing is written to it, nor beside it where it has no log. */
export function openToRead(path: string): Database {
  const hasLog = existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0;
  if (hasLog) return new DatabaseSync(path, { readOnly: true });
  return new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
}
