import type { X509Certificate } from "node:crypto";
import type { Http2Session } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { Peer, PeerCertificate } from "../control/access.ts";

const peers = new WeakMap<Http2Session, Peer>();

/** Who is at the other end of the connection; read once for each. */
export function peerOf(session: Http2Session | undefined): Peer {
  const known = session === undefined ? undefined : peers.get(session);
  if (known !== undefined) return known;
  const socket = session?.socket;
  if (session === undefined || socket === undefined) return GONE;
  const peer = { address: `${socket.remoteAddress}:${socket.remotePort}`, certificate: certificateOf(socket) };
  peers.set(session, peer);
  return peer;
}

const GONE: Peer = { address: "a client that is gone", certificate: undefined };

type AnySocket = Http2Session["socket"];

/** One that did not verify counts as none. */
function certificateOf(socket: AnySocket): PeerCertificate | undefined {
  const { authorized } = socket as Partial<TLSSocket>;
  if (authorized !== true) return undefined;
  const shown = (socket as TLSSocket).getPeerX509Certificate();
  return shown === undefined ? undefined : describe(shown);
}

/** What a certificate says of whom it is for. */
export function describe(certificate: X509Certificate): PeerCertificate {
  const names = alternativeNames(certificate.subjectAltName ?? "");
  const ofKind = (wanted: string): string[] => names.flatMap(([kind, name]) => (kind === wanted ? [name] : []));
  return {
    subject: certificate.subject ?? "",
    dnsNames: ofKind("DNS"),
    uris: ofKind("URI"),
    fingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

/**
 * `DNS:edge-1, URI:spiffe://a/b` as kinds and names. Node writes a name that could be taken for more than one as a JSON
 * string; whatever does not have this form has no names at all, for what is misread here is an identity.
 */
export function alternativeNames(text: string): readonly (readonly [string, string])[] {
  const names: [string, string][] = [];
  let rest = text;
  while (rest !== "") {
    const entry = /^([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/.exec(rest);
    const [whole = "", kind = "", value = ""] = entry ?? [];
    const name = value.startsWith('"') ? unquoted(value) : value;
    if (entry === null || name === undefined) return [];
    names.push([kind, name]);
    rest = rest.slice(whole.length);
  }
  return names;
}

function unquoted(json: string): string | undefined {
  try {
    return String(JSON.parse(json));
  } catch {
    return undefined;
  }
}
