import type { Fetched } from "../control/fetches.ts";
import type { XdsCounters } from "../control/xds-counters.ts";
import type { NodeIdentity } from "../core/node/node.ts";
import type { SotwRequest } from "../core/xds/message.ts";
import type { Method } from "./call.ts";
import type { Framed } from "./framing.ts";
import { bytesOf } from "./framing.ts";
import { readNode } from "./node-reader.ts";
import type { RequestReader } from "./request-reader.ts";
import type { ResponseBytes } from "./response-bytes.ts";
import { GrpcError, STATUS } from "./status.ts";
import { unary } from "./unary.ts";
import { typed } from "./xds-stream.ts";

interface FetchEdge {
  readonly reader: RequestReader;
  readonly bytes: ResponseBytes;
  readonly counters: XdsCounters;
  /** A client that takes nothing of its response for this long is given up, in milliseconds. */
  readonly stallMs: number | undefined;
}

/**
 * One request, one response of everything that it asks for. gRPC has no way to say that nothing has changed, so what the
 * client has is sent again.
 */
export function fetchMethod(
  fetch: (request: SotwRequest, node: NodeIdentity | undefined) => Promise<Fetched>,
  edge: FetchEdge,
  typeUrl: string | undefined,
): Method {
  return unary(async (message, call) => {
    const { request, node: said } = edge.reader.sotw(message);
    const ofType = typed(request, typeUrl) ?? request;
    const node = said === undefined ? undefined : readNode(said);
    call.admit({ rpc: "fetch", node, typeUrl: ofType.typeUrl });
    const response = framedOf(await fetch(ofType, node), edge.bytes);
    edge.counters.wrote(ofType.typeUrl, bytesOf(response));
    return response;
  }, edge.stallMs);
}

function framedOf(fetched: Fetched, bytes: ResponseBytes): Framed {
  switch (fetched.kind) {
    case "found":
      return bytes.framed("sotw", fetched.response);
    case "nothing":
      throw new GrpcError(STATUS.notFound, "nothing of what was asked for exists");
    case "unavailable":
      throw new GrpcError(STATUS.unavailable, fetched.why);
    case "invalid":
      throw new GrpcError(STATUS.invalidArgument, fetched.why);
  }
}
