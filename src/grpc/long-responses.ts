import { shortTypeName } from "../core/resource/type-url.ts";
import type { Dialect, Response } from "../core/xds/message.ts";

/** What gRPC clients take unless they are told otherwise. Envoy takes any length. */
const USUAL_LIMIT = 4 << 20;

/** Types and groups that were told of; whoever makes up more of them is not told of again. */
const TOLD_LIMIT = 1_000;

/**
 * Tells once for each type and group that a response is longer than most clients take: those end the stream, come back,
 * and are sent it again (P62). An Envoy does not mind, and nothing says what else a client is before it is too late.
 */
export class LongResponses {
  readonly #onWarning: (message: string) => void;
  readonly #told = new Set<string>();

  constructor(onWarning: (message: string) => void) {
    this.#onWarning = onWarning;
  }

  /** @param bytes how long the response is on the wire */
  sent(bytes: number, dialect: Dialect, response: Response, group: string): void {
    if (bytes <= USUAL_LIMIT) return;
    const key = JSON.stringify([response.typeUrl, group]);
    if (this.#told.has(key) || this.#told.size >= TOLD_LIMIT) return;
    this.#told.add(key);
    this.#onWarning(textOf(bytes, dialect, response, group));
  }
}

function textOf(bytes: number, dialect: Dialect, { typeUrl, resources }: Response, group: string): string {
  const size = `${(bytes / (1 << 20)).toFixed(1)} MiB`;
  const to = group === "" ? "" : ` to nodes of the group ${JSON.stringify(group)}`;
  const what = `a response with ${resources.length} ${shortTypeName(typeUrl)}${to} is ${size} long`;
  const problem =
    "gRPC clients other than Envoy take 4 MiB unless they are told otherwise, and would fail again and again";
  // In delta a response is that long only where a single resource is.
  const remedy = dialect === "sotw" ? "use delta, which is sent in portions, or " : "split the resource, or ";
  return `${what}: ${problem}; ${remedy}raise what they receive (grpc.max_receive_message_length)`;
}
