import { constants } from "node:crypto";
import type { SecureServerOptions } from "node:http2";
import { createSecureContext } from "node:tls";
import type { TlsMaterial } from "../control/tls.ts";
import { tlsProblem } from "../control/tls.ts";

/** Are certificates of clients looked at, and must there be one? What a port is begun with stays. */
export interface ClientCertificates {
  readonly asked: boolean;
  readonly required: boolean;
}

export function clientCertificatesOf({ clientCa, requireClientCert }: TlsMaterial): ClientCertificates {
  const asked = clientCa !== undefined;
  return { asked, required: asked && requireClientCert !== false };
}

/**
 * How connections are secured: TLS 1.2 or newer, HTTP/2 alone. A client without a certificate gets as far as its calls, where it
 * is told what is missing. No session is taken up again: it would keep the verdict on a certificate after the CA was exchanged.
 *
 * @throws Error with the name of the part that cannot be used
 */
export function secured(material: TlsMaterial): SecureServerOptions {
  const problem = tlsProblem(material, Date.now());
  if (problem !== undefined) throw new Error(`tls.${problem.part}: ${problem.message}`);
  const { cert, key, clientCa } = material;
  const context = {
    cert: Buffer.from(cert),
    key: Buffer.from(key),
    ...(clientCa === undefined ? {} : { ca: Buffer.from(clientCa) }),
    minVersion: "TLSv1.2",
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  } as const;
  // What Node would only find at the first connection is found here.
  createSecureContext(context);
  const requestCert = clientCa !== undefined;
  return { ...context, ALPNProtocols: ["h2"], allowHTTP1: false, requestCert, rejectUnauthorized: false };
}
