import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ControlError } from "../../src/core/failure/control-error.ts";
import { AT, folder, numbered, openStore } from "./folder.ts";

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

it("gives back what was appended, in order and in pages, also after it was closed", async () => {
  const dir = join(folder(), "made", "on the way");
  const store = await openStore(dir);
  const bytes = new TextEncoder().encode("mesh");
  const first = await store.append(0, AT, [numbered(1), numbered(2)], [bytes, bytes]);
  await store.append(2, AT, [numbered(3)]);
  await store.close();
  const again = await openStore(dir);
  expect(first.map(({ seq }) => seq)).toEqual([1, 2]);
  expect(await again.read(0, 2)).toEqual(first);
  expect(await again.read(2, 10)).toEqual([{ seq: 3, at: AT, body: numbered(3) }]);
  expect(await again.read(3, 10)).toEqual([]);
  expect(await again.blob(digestOf(bytes))).toEqual(bytes);
  expect(await again.blob(digestOf(new Uint8Array()))).toBeUndefined();
  expect(await again.blob("../../etc/passwd")).toBeUndefined();
});

it("takes nothing from a caller that does not know the journal's end", async () => {
  const store = await openStore(folder());
  await store.append(0, AT, [numbered(1)]);
  await expect(store.append(0, AT, [numbered(2)])).rejects.toMatchObject({ code: "conflict" });
  await expect(store.append(2, AT, [numbered(2)])).rejects.toMatchObject({ code: "conflict" });
  expect(await store.read(0, 10)).toHaveLength(1);
  await store.append(1, AT, [numbered(2)]);
});

it("lets one process at a time write to a folder, and names the one that does", async () => {
  const dir = folder();
  const store = await openStore(dir, { pid: 4711 });
  const second = await openStore(dir).catch((error: unknown) => error);
  expect(second).toBeInstanceOf(ControlError);
  expect(second).toMatchObject({ code: "conflict", message: expect.stringContaining("process 4711") });
  await store.append(0, AT, [numbered(1)]);
  await store.close();
  const third = await openStore(dir);
  expect(await third.read(0, 10)).toHaveLength(1);
});

it("keeps the database for its owner's eyes: rows may hold private keys", async () => {
  const dir = folder();
  const store = await openStore(dir);
  await store.append(0, AT, [numbered(1)]);
  for (const name of ["belay.db", "belay.db-wal"]) expect(statSync(join(dir, name)).mode & 0o077).toBe(0);
});
