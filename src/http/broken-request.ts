import { type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

interface Said {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** What is said of a connection that never became a request. */
function describe(code: string | undefined): Said {
  if (code === "HPE_HEADER_OVERFLOW")
    return { status: 431, code: "headers-too-large", message: "the headers are larger than 16 KiB" };
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return { status: 408, code: "too-slow", message: "the request did not arrive in time" };
  return { status: 400, code: "bad-request", message: "this is not HTTP/1.1" };
}

/** Answers what Node cannot read as a request in the form of every other failure, where somebody is there to read it. */
export function answerBrokenRequests(server: Server): void {
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
    const { status, code, message } = describe(error.code);
    const body = `${JSON.stringify({ error: { code, message } })}\n`;
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(body)}`,
      "connection: close",
    ];
    socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  });
}
