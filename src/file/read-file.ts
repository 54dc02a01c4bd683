import { open } from "node:fs/promises";
import type { ProblemCode } from "../core/failure/problem-codes.ts";
import { MESH_TEXT_LIMIT } from "../core/mesh/limit.ts";

/** The text of a file, or why there is none. */
export type FileText = { readonly text: string } | { readonly message: string; readonly code: ProblemCode };

/** Reads a mesh file. No more of it is read than a mesh may have: what is named may be a device that has no end. */
export async function readMeshText(path: string): Promise<FileText> {
  try {
    const bytes = await readUpTo(path, MESH_TEXT_LIMIT + 1);
    if (bytes.length > MESH_TEXT_LIMIT) return { message: "it is larger than 16 MiB", code: "too-large" };
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    return { message: `it cannot be read: ${whyUnreadable(error)}`, code: "unreadable" };
  }
}

async function readUpTo(path: string, limit: number): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size >= limit) break;
    }
    return Buffer.concat(chunks);
  } finally {
    await file.close();
  }
}

function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EISDIR") return "it is a folder";
  if (code === "EACCES") return "this user may not read it";
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") return "it is not UTF-8";
  return error instanceof Error ? error.message : String(error);
}
