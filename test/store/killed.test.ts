import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AT, folder, numbered, openStore } from "./folder.ts";
import { compileWriter, kill, linesOf, type Writer } from "./writer.ts";

let writer: Writer;
beforeAll(() => {
  writer = compileWriter();
});
afterAll(() => writer.remove());

/** Lets a writer append until it has said so many, then kills it. */
async function writeAndKill(dir: string, count: number): Promise<number> {
  const child = writer.start(dir);
  let said = 0;
  const lines = linesOf(child);
  for await (const line of lines) {
    said = Number(line);
    if (said % 1_000 === count % 1_000) break;
  }
  await kill(child);
  return said;
}

describe("a writer that is killed in the middle of its work", () => {
  it("has lost nothing that it was told is on disk, and leaves no gap, ten times over", async () => {
    const dir = folder();
    for (let round = 1; round <= 10; round += 1) {
      const said = await writeAndKill(dir, round * 37);
      const store = await openStore(dir);
      const events = await store.read(0, 100_000);
      expect(events.length).toBeGreaterThanOrEqual(said);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
      expect(events.every(({ body }, index) => JSON.stringify(body) === JSON.stringify(numbered(index + 1)))).toBe(
        true,
      );
      await store.close();
    }
  });

  it("gives the folder free at once", async () => {
    const dir = folder();
    const child = writer.start(dir);
    await once(child.stdout!, "data");
    await expect(openStore(dir)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining(`process ${child.pid}`),
    });
    await kill(child);
    await openStore(dir);
  });
});

describe("a disk without space", () => {
  it("refuses the write, keeps all before it readable, and takes writes again when there is space", async () => {
    const dir = folder();
    const store = await openStore(dir, { maxPages: 12 });
    let head = 0;
    const blob = (n: number) => new Uint8Array(3_000).fill(n);
    const fill = async (): Promise<unknown> => {
      for (; head < 100; head += 1) await store.append(head, AT, [numbered(head + 1)], [blob(head)]);
      return undefined;
    };
    const error = await fill().catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: "store-failed", message: expect.stringContaining("full") });
    expect(await store.read(0, 100)).toHaveLength(head);
    await expect(store.append(head, AT, [numbered(head + 1)], [blob(200)])).rejects.toMatchObject({
      code: "store-failed",
    });
    await store.close();
    const roomy = await openStore(dir);
    expect(await roomy.read(0, 100)).toHaveLength(head);
    await roomy.append(head, AT, [numbered(head + 1)], [blob(201)]);
  });

  it("is survived by a process whose files may grow no more", async () => {
    const dir = folder();
    const child = writer.start(dir, {}, "ulimit -f 200");
    const lines: string[] = [];
    for await (const line of linesOf(child)) lines.push(line);
    const failure = JSON.parse(lines.pop() ?? "{}") as { code: string };
    expect(failure.code).toBe("store-failed");
    const store = await openStore(dir);
    expect(await store.read(0, 10_000)).toHaveLength(lines.length);
  });
});
