import { ControlError } from "../core/failure/control-error.ts";
import { type Database, openDatabase } from "./driver.ts";

/**
 * Takes the folder for this process. The lock is the operating system's, on a file of its own, so it ends with the
 * process however that ends, and others can still read the database. (A process id alone would not do: two containers on
 * one volume are both process 1.)
 *
 * @returns what gives it back
 * @throws ControlError `conflict` that names the process that has it
 */
export function lockFolder(path: string, pid: number): () => void {
  const db = openDatabase(path);
  try {
    db.exec("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE");
    db.exec("CREATE TABLE IF NOT EXISTS holder (pid INTEGER NOT NULL) STRICT; DELETE FROM holder");
    db.exec(`INSERT INTO holder (pid) VALUES (${Math.trunc(pid)}); COMMIT; BEGIN IMMEDIATE`);
  } catch (error) {
    const holder = isBusy(error) ? holderOf(db) : undefined;
    db.close();
    if (isBusy(error)) throw taken(path, holder);
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return () => {
    if (db.isTransaction) db.exec("ROLLBACK");
    db.close();
  };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && /database is locked|busy/i.test(error.message);
}

function holderOf(db: Database): number | undefined {
  try {
    const row = db.prepare("SELECT pid FROM holder").get() as { pid: number } | undefined;
    return row?.pid;
  } catch {
    // It is being taken at this very moment: who by can be read next time.
    return undefined;
  }
}

function taken(path: string, pid: number | undefined): ControlError {
  const who = pid === undefined ? "another process" : `process ${pid}`;
  return new ControlError(
    "conflict",
    `${path} is held by ${who}: one control plane writes to a folder at a time. Stop that one, or name another folder with --data`,
    { holder: who },
  );
}
