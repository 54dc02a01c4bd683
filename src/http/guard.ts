import { Refusal } from "./answer.ts";

const READS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/**
 * Refuses what only a browser misled by some other site would send. On a loopback address there is no login, so a page
 * that points its own name at 127.0.0.1 (DNS rebinding) is stopped by its Host, and a page that posts across sites by
 * its Origin. Programs send neither, and pass.
 *
 * @throws Refusal 403
 */
export function refuseStrangers(request: Request, isLoopback: boolean): void {
  const host = request.headers.get("host") ?? "";
  if (isLoopback && host !== "" && !LOOPBACK.test(host)) {
    throw new Refusal(403, "forbidden", `this server is local and is not called "${host.slice(0, 100)}"`);
  }
  if (READS.has(request.method)) return;
  const origin = request.headers.get("origin");
  const isCrossSite = request.headers.get("sec-fetch-site") === "cross-site";
  if (isCrossSite || (origin !== null && hostOf(origin) !== host.toLowerCase())) {
    throw new Refusal(403, "forbidden", "changes are not taken from pages of other sites");
  }
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
