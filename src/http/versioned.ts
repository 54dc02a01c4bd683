import { createHash } from "node:crypto";
import { json } from "./answer.ts";

interface Versioned {
  readonly version: string;
}

/** Gives an object that has no number of its own a version: a hash of its content. */
export function versioned<T extends object>(
  content: T,
  allowedActions: readonly string[] = [],
): T & { version: string; allowedActions: string[] } {
  const version = createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 16);
  return { ...content, version, allowedActions: [...allowedActions] };
}

/** The object with its ETag, or 304 where the caller has it already. */
export function tagged(status: number, object: Versioned, request: Request): Response {
  const etag = `"${object.version}"`;
  const known = request.headers.get("if-none-match");
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (isRead && known !== null && names(known, object.version)) {
    return new Response(null, { status: 304, headers: { etag } });
  }
  return json(status, object, { etag });
}

/**
 * 412 with the current object where `If-Match` names another version of it; undefined where the caller may go on.
 */
export function preconditionFailed(object: Versioned, request: Request): Response | undefined {
  const wanted = request.headers.get("if-match");
  if (wanted === null || names(wanted, object.version)) return undefined;
  const message = `it has changed: it is at version ${object.version}, not ${wanted.slice(0, 60)}`;
  return json(412, { ...object, error: { code: "stale", message } }, { etag: `"${object.version}"` });
}

/** Does a list of entity tags (RFC 9110, 8.8.3; quotes may be missing) name this version? */
function names(header: string, version: string): boolean {
  return header.split(",").some((tag) => {
    const bare = tag
      .trim()
      .replace(/^W\//, "")
      .replace(/^"(.*)"$/, "$1");
    return bare === "*" || bare === version;
  });
}
