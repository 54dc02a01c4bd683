import type { DeltaRequest, SotwRequest } from "../core/xds/message.ts";
import type { Types } from "../core/xds/moves.ts";
import { weightOfKnown, weightOfNames, weightOfVersions } from "../core/xds/weight.ts";

/** A quarter of a gibibyte: more than a million names of a usual length, and any message of long ones. */
const MOST_BYTES = 256 << 20;

/**
 * How much one stream asks for and says that it has, in bytes. A client of the incremental dialect that goes on asking, and
 * gives nothing up, would make the server hold more and more (P58).
 */
export class Asked {
  /** What it holds at most: as much as when it was weighed last, and all that was said since. */
  #atMost = 0;

  /**
   * Takes in a request, and what the stream held before and after it. Most requests are ACKs, and ask for what is asked for.
   *
   * @returns why it is too much, for the client; undefined: it is not
   */
  add(request: SotwRequest | DeltaRequest, before: Types | undefined, after: Types): string | undefined {
    if (before?.get(request.typeUrl)?.subscription === after.get(request.typeUrl)?.subscription) return undefined;
    this.#atMost += weightOfRequest(request);
    if (this.#atMost <= MOST_BYTES) return undefined;
    this.#atMost = weightOfTypes(after);
    if (this.#atMost <= MOST_BYTES) return undefined;
    return (
      `what this stream asks for and reports takes ${this.#atMost} bytes, as this server keeps it (a name: 64, and two a ` +
      `character); it takes ${MOST_BYTES} at most`
    );
  }
}

function weightOfRequest(request: SotwRequest | DeltaRequest): number {
  if ("names" in request) return weightOfNames(request.names);
  return weightOfNames(request.subscribe) + weightOfVersions(request.initialVersions);
}

function weightOfTypes(types: Types): number {
  let bytes = 0;
  for (const { subscription, client } of types.values()) {
    if (subscription !== undefined) bytes += weightOfNames(subscription.names);
    bytes += weightOfKnown(client.base) + weightOfKnown(client.except);
  }
  return bytes;
}
