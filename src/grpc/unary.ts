import type { Call, Method } from "./call.ts";
import type { Framed } from "./framing.ts";
import { GrpcError, STATUS } from "./status.ts";

/** A method with one request and one response; what it throws as GrpcError is the call's status. */
export function unary(answer: (request: Buffer, call: Call) => Promise<Framed>): Method {
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
            call.send(response);
            call.end({ code: STATUS.ok, message: "" });
          },
          (error: unknown) => call.fail(error),
        );
      },
      onClosed() {},
    };
  };
}
