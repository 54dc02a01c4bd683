import type { IdMatcher } from "../core/node/id-matcher.ts";
import { GrpcError, STATUS } from "./status.ts";
import { bytesTag, varintTag, WireReader } from "./wire.ts";

/** Tags of what is read (`proto/envoy/service/status/v3/csds.proto`). */
const REQUEST_MATCHER = bytesTag(1);
const NODE_ID = bytesTag(1);
const NODE_METADATA = bytesTag(2);
const IGNORE_CASE = varintTag(6);
const KINDS: ReadonlyMap<number, IdMatcher["kind"]> = new Map([
  [bytesTag(1), "exact"],
  [bytesTag(2), "prefix"],
  [bytesTag(3), "suffix"],
  [bytesTag(7), "contains"],
]);
const REGEX = bytesTag(5);
const CUSTOM = bytesTag(8);

/** Each is held against each node. */
const MAX_MATCHERS = 1_000;

/**
 * The nodes that a ClientStatusRequest asks for. Kinds of matchers that Belay does not have are refused: an answer about
 * other nodes than those asked for would be wrong without showing it.
 *
 * @throws GrpcError INVALID_ARGUMENT for bytes that are no such request, UNIMPLEMENTED for such a matcher
 */
export function readStatusRequest(bytes: Buffer): readonly IdMatcher[] {
  const reader = new WireReader(bytes);
  const matchers: IdMatcher[] = [];
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    if (tag === REQUEST_MATCHER) matchers.push(readNodeMatcher(reader.message()));
    else reader.skip(tag);
    if (matchers.length > MAX_MATCHERS) {
      throw new GrpcError(STATUS.invalidArgument, `there are more than ${MAX_MATCHERS} node_matchers`);
    }
  }
  return matchers;
}

/** One without a condition is for every node. */
function readNodeMatcher(reader: WireReader): IdMatcher {
  let matcher: IdMatcher = { kind: "any", text: "", ignoreCase: false };
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    if (tag === NODE_ID) matcher = readStringMatcher(reader.message());
    else if (tag === NODE_METADATA) throw unknown("node_metadatas");
    else reader.skip(tag);
  }
  return matcher;
}

function readStringMatcher(reader: WireReader): IdMatcher {
  let matcher: Omit<IdMatcher, "ignoreCase"> = { kind: "any", text: "" };
  let ignoreCase = false;
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    const kind = KINDS.get(tag);
    if (kind !== undefined) matcher = { kind, text: reader.text() };
    else if (tag === IGNORE_CASE) ignoreCase = reader.varint() !== 0;
    else if (tag === REGEX) throw unknown("node_id.safe_regex");
    else if (tag === CUSTOM) throw unknown("node_id.custom");
    else reader.skip(tag);
  }
  return { ...matcher, ignoreCase };
}

function unknown(field: string): GrpcError {
  return new GrpcError(
    STATUS.unimplemented,
    `node_matchers with ${field} are not supported; match node_id by exact, prefix, suffix or contains`,
  );
}
