/** Content to hex sha-256; given by the edge, since the core does no I/O and imports no package. */
export type Digest = (content: Uint8Array | string) => string;

/** A name that a resource refers to, e.g. the endpoints of a cluster or a cluster of a route. */
export interface Reference {
  readonly typeUrl: string;
  readonly name: string;
}

/**
 * One named Envoy resource. Encoded once, when it is made, and never again per stream.
 * `version` is the hash of `bytes` (22 characters), so that equal content has an equal version
 * on every replica and after every restart.
 */
export interface Resource extends Reference {
  readonly version: string;
  /** Canonical, deterministic protobuf bytes of the message itself (the `value` of its Any). */
  readonly bytes: Uint8Array;
  readonly refs: readonly Reference[];
  /** How names that clients ask for lead to virtual hosts; all other resources are found by their own name alone. */
  readonly finding?: Finding;
  /** A client drops it when it hears nothing of it for so long, in milliseconds; for ever without one. */
  readonly ttlMs?: number;
}

/** What virtual hosts that are asked for one by one are found by (VHDS). */
export type Finding =
  /** A virtual host: `<route>/<host>` leads to it where one of these matches the host. In lower case, as Envoy has them. */
  | { readonly kind: "virtual-host"; readonly domains: readonly string[] }
  /** A route whose virtual hosts are asked for; it may leave the port of a host out when it looks for one. */
  | { readonly kind: "on-demand-routes"; readonly ignoresPorts: boolean };

/** Hex digits of a digest that a version keeps: 132 bits. */
const KEPT_DIGITS = 33;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const ZEROS: readonly number[] = Array.from({ length: (KEPT_DIGITS / 3) * 2 }, () => 0);

/** The two characters of each three hex digits, as the codes of both. */
const CODES = Uint16Array.from({ length: 4_096 }, (_, bits) => {
  return (ALPHABET.charCodeAt(bits >> 6) << 8) | ALPHABET.charCodeAt(bits & 63);
});

/**
 * The version of content: the first 132 bits of its digest in 22 characters of base64url. It goes over the wire with
 * each resource that changes, so it is as short as it can be without being less unique.
 */
export function versionOf(content: Uint8Array | string, digest: Digest): string {
  const digits = digest(content).padEnd(KEPT_DIGITS, "0");
  const codes = ZEROS.slice();
  for (let at = 0, place = 0; at < KEPT_DIGITS; at += 3) {
    const pair = CODES[(digitAt(digits, at) << 8) | (digitAt(digits, at + 1) << 4) | digitAt(digits, at + 2)] ?? 0;
    codes[place++] = pair >> 8;
    codes[place++] = pair & 0xff;
  }
  // In one piece: what is put together bit by bit is kept in bits until somebody reads it.
  return String.fromCharCode(...codes);
}

/** The value of a hex digit. */
function digitAt(digits: string, at: number): number {
  const code = digits.charCodeAt(at);
  return (code & 15) + (code > 57 ? 9 : 0);
}
