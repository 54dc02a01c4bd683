import { DatabaseSync } from "@photostructure/sqlite";

/** An open SQLite file. The interface is that of `node:sqlite`, which takes the driver's place one day by this import. */
export type Database = InstanceType<typeof DatabaseSync>;

/** Opens a SQLite file; a read-only one is neither made nor checkpointed. */
export function openDatabase(path: string, mode: "write" | "read" = "write"): Database {
  return new DatabaseSync(path, { readOnly: mode === "read" });
}
