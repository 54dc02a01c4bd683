import type { Types } from "../core/xds/moves.ts";
import { weightOfKnown, weightOfNames } from "../core/xds/weight.ts";

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
   * Takes in a request.
   *
   * @param bytes what the request says, whether or not it was said before
   * @param types what the stream holds after it
   * @returns why it is too much, for the client; undefined: it is not
   */
  add(bytes: number, types: Types): string | undefined {
    this.#atMost += bytes;
    if (this.#atMost <= MOST_BYTES) return undefined;
    this.#atMost = weightOfTypes(types);
    if (this.#atMost <= MOST_BYTES) return undefined;
    return (
      `what this stream asks for and reports takes ${this.#atMost} bytes, as this server keeps it (a name: 64, and two a ` +
      `character); it takes ${MOST_BYTES} at most`
    );
  }
}

function weightOfTypes(types: Types): number {
  let bytes = 0;
  for (const { subscription, client } of types.values()) {
    if (subscription !== undefined) bytes += weightOfNames(subscription.names);
    bytes += weightOfKnown(client.base) + weightOfKnown(client.except);
  }
  return bytes;
}
