import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/store/driver.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { AT, folder, numbered, openStore, whyUnusable } from "./folder.ts";

let dir: string;
let file: string;

beforeEach(() => {
  dir = folder();
  file = join(dir, "belay.db");
});

/** A database of a few hundred kilobytes, closed in good order. */
async function fill(): Promise<void> {
  const store = await openStore(dir);
  for (let n = 1; n <= 40; n += 1) await store.append(n - 1, AT, [numbered(n)], [new Uint8Array(5_000).fill(n)]);
  await store.close();
}

const filesOf = (): string[] => readdirSync(dir).filter((name) => !name.startsWith("belay.lock"));
const contentOf = (): string => createHash("sha256").update(readFileSync(file)).digest("hex");

/** It is not used, it says why, and it is left as it was. */
async function expectLeftAlone(why: RegExp): Promise<void> {
  const before = [contentOf(), filesOf()];
  expect(await whyUnusable(dir)).toMatch(why);
  expect([contentOf(), filesOf()]).toEqual(before);
}

describe("a database that cannot be used is left as it is", () => {
  it("when it was cut off, wherever", async () => {
    await fill();
    const whole = readFileSync(file);
    const copy = join(folder(), "whole.db");
    copyFileSync(file, copy);
    const cuts = [0, 1, 16, 59, 99, 100, 4_095, 4_096, 8_192, 20_480, whole.length - 4_096, whole.length - 1];
    for (const length of cuts) {
      copyFileSync(copy, file);
      truncateSync(file, length);
      await expectLeftAlone(/is damaged: .*Restore it from a copy/s);
    }
  });

  it("when part of it was overwritten", async () => {
    await fill();
    const bytes = readFileSync(file);
    bytes.fill(0, 4_096, 8_192);
    writeFileSync(file, bytes);
    await expectLeftAlone(/is damaged/);
  });

  it("when it is no SQLite file", async () => {
    writeFileSync(file, "services:\n  - name: reviews\n".repeat(20));
    await expectLeftAlone(/no SQLite file.*--data/s);
  });

  it("when it is a SQLite file of another application", async () => {
    const other = openDatabase(file);
    other.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    other.close();
    await expectLeftAlone(/another application/);
  });

  it("when a newer version has written it", async () => {
    await fill();
    const db = openDatabase(file);
    db.exec("PRAGMA user_version = 2");
    db.close();
    await expectLeftAlone(/newer version of Belay \(schema 2, this one knows 1\)/);
  });

  it("when events are missing in it", async () => {
    await fill();
    const db = openDatabase(file);
    db.exec("DELETE FROM events WHERE seq = 7");
    db.close();
    await expectLeftAlone(/events are missing/);
  });

  it("when it is a folder", async () => {
    mkdirSync(file);
    expect(await whyUnusable(dir)).toMatch(/not a file/);
  });
});

describe("content that was changed behind the store's back", () => {
  it("is not served: events", async () => {
    await fill();
    const db = openDatabase(file);
    db.exec("UPDATE events SET body = replace(body, 'node-3', 'node-4') WHERE seq = 3");
    db.close();
    const store = await openStore(dir);
    await expect(store.read(0, 10)).rejects.toMatchObject({
      code: "not-ready",
      message: expect.stringContaining("event 3"),
    });
  });

  it("is not served: blobs", async () => {
    await fill();
    const db = openDatabase(file);
    db.exec("UPDATE blobs SET bytes = zeroblob(10)");
    db.close();
    const store = await openStore(dir);
    const digest = createHash("sha256").update(new Uint8Array(5_000).fill(1)).digest("hex");
    await expect(store.blob(digest)).rejects.toMatchObject({ code: "not-ready" });
  });
});

describe("a log without its database", () => {
  it("is not taken for an empty store", async () => {
    await fill();
    rmSync(file);
    writeFileSync(`${file}-wal`, "something");
    expect(await whyUnusable(dir)).toMatch(/is gone, but its log/);
    expect(existsSync(file)).toBe(false);
  });
});

describe("a log that was cut off", () => {
  it("is read up to the last event that is whole, wherever it ends", async () => {
    const store = await openStore(dir);
    for (let n = 1; n <= 30; n += 1) await store.append(n - 1, AT, [numbered(n)]);
    const log = readFileSync(`${file}-wal`);
    const database = readFileSync(file);
    await store.close();
    for (const cut of [0, 1, 31, 32, 33, 5_000, 50_000, log.length - 7_000, log.length - 1, log.length]) {
      const copy = folder();
      writeFileSync(join(copy, "belay.db"), database);
      writeFileSync(join(copy, "belay.db-wal"), log.subarray(0, cut));
      const again = await openStore(copy);
      const events = await again.read(0, 100);
      expect(events.map(({ body }) => body)).toEqual(events.map((_, index) => numbered(index + 1)));
      if (cut === log.length) expect(events).toHaveLength(30);
      await again.append(events.length, AT, [numbered(events.length + 1)]);
      await again.close();
    }
  });
});

describe("a folder that cannot be used", () => {
  it("is said so, with what to do: it is a file", async () => {
    const path = join(dir, "data");
    writeFileSync(path, "");
    const opened = await openSqliteStore(path);
    expect(opened).toEqual({ unusable: expect.stringMatching(/cannot be opened.*this user can write to/s) });
  });

  it("is said so: nothing can be written there", async () => {
    const path = process.getuid?.() === 0 ? "/proc/self/belay" : join(dir, "data");
    if (process.getuid?.() !== 0) mkdirSync(path, { mode: 0o500 });
    expect(await whyUnusable(path)).toMatch(/cannot be opened/);
  });

  it("is said so: what marks it as taken is damaged", async () => {
    writeFileSync(join(dir, "belay.lock"), "nonsense ".repeat(200));
    expect(await whyUnusable(dir)).toMatch(/belay\.lock/);
  });
});

it("recovers from a start that was cut short while the database was made", async () => {
  writeFileSync(`${file}.new`, "half");
  const store = await openStore(dir);
  await store.append(0, AT, [numbered(1)]);
  expect(execFileSync("ls", [dir]).toString()).not.toContain(".new");
});
