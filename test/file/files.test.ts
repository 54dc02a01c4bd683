import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { MESH_TEXT_LIMIT } from "../../src/core/mesh/limit.ts";
import { readMeshText } from "../../src/file/read-file.ts";

const dir = mkdtempSync(join(tmpdir(), "belay-file-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function fileOf(name: string, content: string | Buffer): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

it("a file is read as it is, up to 16 MiB", async () => {
  expect(await readMeshText(fileOf("a", "services: []\n# ü\n"))).toEqual({ text: "services: []\n# ü\n" });
  expect(await readMeshText(fileOf("empty", ""))).toEqual({ text: "" });
  const full = await readMeshText(fileOf("full", Buffer.alloc(MESH_TEXT_LIMIT, 0x23)));
  expect("text" in full && full.text.length).toBe(MESH_TEXT_LIMIT);
  const large = fileOf("large", "");
  truncateSync(large, 64 * 1024 ** 3);
  expect(await readMeshText(large)).toEqual({ message: "it is larger than 16 MiB", code: "too-large" });
});

it.each([
  ["nothing", join(dir, "nothing"), "it cannot be read: there is no such file"],
  ["a folder", dir, "it cannot be read: it is a folder"],
  ["a device without end", "/dev/zero", "it is larger than 16 MiB"],
  ["text that is not UTF-8", fileOf("latin1", Buffer.from("caf\xe9", "latin1")), "it cannot be read: it is not UTF-8"],
])("%s is said to be what it is", async (_, path, message) => {
  expect(await readMeshText(path)).toMatchObject({ message });
});
