import { MESH_TEXT_LIMIT } from "../core/mesh/limit.ts";
import { Refusal } from "./answer.ts";

/** Deeper JSON than this is nobody's configuration, and would overflow the stack of whoever walks it. */
const DEPTH_LIMIT = 200;
/** A body that is too large is read on for this long, so that its sender sees the answer and not a broken connection. */
const DRAIN_LIMIT = 4 * MESH_TEXT_LIMIT;

/**
 * The JSON value in a request's body, whatever its content type says; `{}` where there is none.
 *
 * @throws Refusal 413 over 16 MiB, 415 for an unknown charset or a compressed body, 400 for what is not JSON
 */
export async function readJson(request: Request): Promise<unknown> {
  const encoding = request.headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    const message = `a body in the encoding "${encoding.slice(0, 40)}" is not read; send it as it is`;
    throw new Refusal(415, "bad-encoding", message);
  }
  const bytes = await readBytes(request);
  const text = decode(bytes, request.headers.get("content-type") ?? "");
  if (text.trim() === "") return {};
  const value = parse(text);
  if (isDeeperThan(value, DEPTH_LIMIT)) {
    throw new Refusal(400, "bad-json", `the body is nested deeper than ${DEPTH_LIMIT} levels`);
  }
  return value;
}

async function readBytes(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > DRAIN_LIMIT) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (request.body === null) return new Uint8Array();
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > DRAIN_LIMIT) break;
    if (size <= MESH_TEXT_LIMIT) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (size > MESH_TEXT_LIMIT) throw tooLarge();
  return Buffer.concat(chunks);
}

function tooLarge(): Refusal {
  const headers = { connection: "close" };
  return new Refusal(413, "too-large", `the body is larger than ${MESH_TEXT_LIMIT / 1024 / 1024} MiB`, { headers });
}

function decode(bytes: Uint8Array, contentType: string): string {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1] ?? "utf-8";
  let decoder: { decode(bytes: Uint8Array): string };
  try {
    decoder = new TextDecoder(charset, { fatal: true });
  } catch {
    throw new Refusal(415, "bad-charset", `the charset "${charset.slice(0, 40)}" is not known; send UTF-8`);
  }
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Refusal(400, "bad-json", `the body is not ${charset}`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal(400, "bad-json", `the body is not JSON: ${why.slice(0, 200)}`);
  }
}

function isDeeperThan(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= limit; depth++) {
    level = level.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
    if (level.length === 0) return false;
  }
  return true;
}
