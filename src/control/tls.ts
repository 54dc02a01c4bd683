import { createPrivateKey, X509Certificate } from "node:crypto";

/** What a port is served with over TLS. PEM, as text or bytes. */
export interface TlsMaterial {
  /** The server's certificate, and behind it those up to the root that clients do not know. */
  readonly cert: string | Uint8Array;
  /** Its private key, unencrypted. */
  readonly key: string | Uint8Array;
  /** Certificates that clients' are verified against; without it clients are not asked for any. */
  readonly clientCa?: string | Uint8Array;
  /** Calls of clients without a certificate end with UNAUTHENTICATED; true where there is a `clientCa`. */
  readonly requireClientCert?: boolean;
}

/** What cannot be used, and why. */
export interface TlsProblem {
  readonly part: "cert" | "key" | "clientCa";
  readonly message: string;
}

/**
 * What is wrong with it, as far as that can be told without a connection; undefined: nothing. A file that is half written, a key of
 * another certificate or a certificate that has run out must never replace what works.
 */
export function tlsProblem(
  { cert, key, clientCa, requireClientCert }: TlsMaterial,
  now: number,
): TlsProblem | undefined {
  const leaf = firstCertificate(cert);
  if (typeof leaf === "string") return { part: "cert", message: leaf };
  if (Date.parse(leaf.validTo) <= now) return { part: "cert", message: `the certificate ran out on ${leaf.validTo}` };
  const mismatch = keyProblem(leaf, key);
  if (mismatch !== undefined) return { part: "key", message: mismatch };
  if (clientCa === undefined)
    return requireClientCert === true
      ? {
          part: "clientCa",
          message: "certificates of clients are required, and there is nothing to verify them against",
        }
      : undefined;
  const ca = firstCertificate(clientCa);
  return typeof ca === "string" ? { part: "clientCa", message: ca } : undefined;
}

/** When the server's certificate runs out, in milliseconds since the epoch; of material that has no problem. */
export function runsOutAt({ cert }: TlsMaterial): number {
  const leaf = firstCertificate(cert);
  return typeof leaf === "string" ? 0 : Date.parse(leaf.validTo);
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The first certificate, once all are found to be some; else what is wrong. */
function firstCertificate(pem: string | Uint8Array): X509Certificate | string {
  const blocks = textOf(pem).match(CERTIFICATE);
  if (blocks === null) return "there is no certificate in it (PEM, BEGIN CERTIFICATE)";
  let first: X509Certificate | undefined;
  for (const [index, block] of blocks.entries()) {
    try {
      const certificate = new X509Certificate(block);
      first ??= certificate;
    } catch (error) {
      return `certificate ${index + 1} in it cannot be read: ${reasonOf(error)}`;
    }
  }
  return first ?? "there is no certificate in it";
}

function keyProblem(leaf: X509Certificate, pem: string | Uint8Array): string | undefined {
  try {
    const key = createPrivateKey(textOf(pem));
    return leaf.checkPrivateKey(key) ? undefined : "the key is not that of the certificate";
  } catch (error) {
    return `there is no private key in it that can be used (PEM, without a passphrase): ${reasonOf(error)}`;
  }
}

function textOf(pem: string | Uint8Array): string {
  return typeof pem === "string" ? pem : new TextDecoder().decode(pem);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
