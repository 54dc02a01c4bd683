import { type ClientHttp2Session, connect, constants } from "node:http2";

export interface Answer {
  readonly status: number;
  /** The version that answered, as it says itself; empty where it says nothing. */
  readonly servedBy: string;
}

/** Where load is sent: a gateway of an Envoy, or the built-in client. */
export interface Target {
  readonly name: string;
  /** One request. Rejects with the cause when no answer came in time or the connection failed. */
  request(path: string, options: RequestOptions): Promise<Answer>;
  close(): void;
}

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Connections that may be given up under one request, one after the other, before it has failed. */
const GIVEN_UP = 3;

/**
 * A target that is spoken to in cleartext HTTP/2, over `connections` connections in turn. A connection that the other
 * side ends or drains is replaced before the next request. What was refused because of a GOAWAY was not processed, and is
 * asked again on a new connection, as every HTTP/2 client does (RFC 9113, 8.7); nothing else is sent twice.
 */
export function http2Target(name: string, origin: string, connections = 1): Target {
  const sessions: (ClientHttp2Session | undefined)[] = Array.from({ length: connections }, () => undefined);
  let turn = 0;
  const sessionOf = (index: number): ClientHttp2Session => {
    const present = sessions[index];
    if (present !== undefined && !present.closed && !present.destroyed) return present;
    const fresh = connect(origin);
    // A failed connection is told by each of its requests.
    fresh.on("error", () => {});
    sessions[index] = fresh;
    return fresh;
  };
  const request: Target["request"] = async (path, options) => {
    turn = (turn + 1) % connections;
    const index = turn;
    for (let again = 0; ; again += 1) {
      const session = sessionOf(index);
      const answer = await ask(session, path, options).catch((error: unknown) => {
        if (error instanceof Refused && session.closed && again < GIVEN_UP) return undefined;
        throw error;
      });
      if (answer !== undefined) return answer;
    }
  };
  return {
    name,
    request,
    close: () => {
      for (const session of sessions) session?.destroy();
    },
  };
}

/** The other side, or this one after a GOAWAY, says that it has not begun with the request (REFUSED_STREAM). */
class Refused extends Error {}

function ask(session: ClientHttp2Session, path: string, options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":path": path, ...options.headers });
    const timer = setTimeout(() => {
      reject(new Error(`no answer within ${options.timeoutMs} ms`));
      stream.close(constants.NGHTTP2_CANCEL);
    }, options.timeoutMs);
    let answer: Answer | undefined;
    stream.once("response", (headers) => {
      answer = { status: headers[":status"] ?? 0, servedBy: String(headers["x-served-by"] ?? "") };
    });
    stream.on("error", (error) => {
      reject(stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ? new Refused(error.message) : error);
    });
    stream.once("close", () => {
      clearTimeout(timer);
      if (answer !== undefined && stream.rstCode === constants.NGHTTP2_NO_ERROR) resolve(answer);
      else reject(new Error(answer === undefined ? "the connection ended before an answer" : "the answer was cut off"));
    });
    stream.resume();
    stream.end();
  });
}
