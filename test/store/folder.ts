import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Store } from "../../src/control/store.ts";
import type { EventBody } from "../../src/core/journal/event.ts";
import { openSqliteStore, type SqliteOptions } from "../../src/store/sqlite.ts";

/** A folder of its own for the test, gone after it. */
export function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "belay-store-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** An event that is told apart by its number. */
export function numbered(n: number): EventBody {
  return { type: "nack.repaired", node: `node-${n}`, typeUrl: "type" };
}

/** The store in a folder, which must be usable. */
export async function openStore(dir: string, options: SqliteOptions = {}): Promise<Store> {
  const opened = await openSqliteStore(dir, options);
  if ("unusable" in opened) throw new Error(opened.unusable);
  onTestFinished(() => opened.store.close());
  return opened.store;
}

/** Why the store in a folder is not usable. */
export async function whyUnusable(dir: string): Promise<string> {
  const opened = await openSqliteStore(dir);
  if ("unusable" in opened) return opened.unusable;
  await opened.store.close();
  throw new Error("it is usable");
}

export const AT = "2030-01-01T00:00:00.000Z";
