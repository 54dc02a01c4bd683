/** Content to hex sha-256; given by the edge, since the core does no I/O and imports no package. */
export type Digest = (content: Uint8Array | string) => string;

/** A name that a resource refers to, e.g. the endpoints of a cluster or a cluster of a route. */
export interface Reference {
  readonly typeUrl: string;
  readonly name: string;
}

/**
 * One named Envoy resource. Encoded once, when it is made, and never again per stream.
 * `version` is the hash of `bytes` (32 hex digits), so that equal content has an equal version
 * on every replica and after every restart.
 */
export interface Resource extends Reference {
  readonly version: string;
  /** Canonical, deterministic protobuf bytes of the message itself (the `value` of its Any). */
  readonly bytes: Uint8Array;
  readonly refs: readonly Reference[];
}

/** Length of a version in hex digits: 128 bits. */
const VERSION_LENGTH = 32;

/** The version of content: the first 128 bits of its digest, in hex. */
export function versionOf(content: Uint8Array | string, digest: Digest): string {
  return digest(content).slice(0, VERSION_LENGTH);
}
