import type { Call, Method } from "./call.ts";
import type { Framed } from "./framing.ts";
import { GrpcError, STATUS } from "./status.ts";

/** A client that does not take its response for this long is given up, in milliseconds. */
const STALL_MS = 60_000;

/** A method with one request and one response; what it throws as GrpcError is the call's status. */
export function unary(answer: (request: Buffer, call: Call) => Promise<Framed>, stallMs = STALL_MS): Method {
  return (call) => {
    let request: Buffer | undefined;
    return {
      onMessage(bytes) {
        if (request !== undefined) throw new GrpcError(STATUS.internal, "this method takes one request, not several");
        request = bytes;
      },
      onHalfClosed() {
        if (request === undefined) throw new GrpcError(STATUS.internal, "the call carried no request");
        answer(request, call).then(
          (response) => {
            // The call is over for us, but what has not left is held as long as the client likes.
            const stall = setTimeout(() => call.cut(), stallMs).unref();
            call.send(response, () => clearTimeout(stall));
            call.end({ code: STATUS.ok, message: "" });
          },
          (error: unknown) => call.fail(error),
        );
      },
      onClosed() {},
    };
  };
}
