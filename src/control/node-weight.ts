import type { NodeIdentity } from "../core/node/node.ts";
import { weightOfNode } from "../core/xds/weight.ts";

/** What is taken of a node that says who it is: a quarter of a mebibyte, where an Envoy's id, cluster and labels have a kilobyte. */
const MOST_BYTES = 256 << 10;

/**
 * Why a node is not taken that says more of itself than can be kept of it, for the client; undefined: it is.
 *
 * A node is listed after it is gone, journaled where it refuses something, and looked at with each change: it must not be
 * as large as a message may be (P58).
 */
export function whyTooMuch(node: NodeIdentity): string | undefined {
  const bytes = weightOfNode(node);
  if (bytes <= MOST_BYTES) return undefined;
  return (
    `node.id, cluster, locality.zone and the strings in metadata take ${bytes} bytes together, as this server keeps them ` +
    `(two a character); it takes ${MOST_BYTES} at most`
  );
}
