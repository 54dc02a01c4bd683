import type { NodeIdentity } from "../core/node/node.ts";

/** What the certificate of a client says, once it has been verified against the client CA. */
export interface PeerCertificate {
  /** As Node has it: one `KEY=value` a line, for example `CN=edge-1`. For people; names that decide are below. */
  readonly subject: string;
  /** Subject alternative names of the kind DNS. */
  readonly dnsNames: readonly string[];
  /** Those of the kind URI, such as `spiffe://example.org/edge-1`. */
  readonly uris: readonly string[];
  /** SHA-256 of the certificate, in lower-case hex. */
  readonly fingerprint: string;
}

/** Who is at the other end of a connection. */
export interface Peer {
  /** `ADDRESS:PORT`. */
  readonly address: string;
  /** Undefined without TLS, and for a client that showed none. */
  readonly certificate: PeerCertificate | undefined;
}

/** The shapes in which xDS and what belongs to it is asked for; `rest` is on the HTTP port. */
export const RPC_SHAPES = [
  "sotw",
  "delta",
  "fetch",
  "rest",
  "client-status",
  "load-reports",
  "metrics",
  "access-log",
] as const;
export type RpcShape = (typeof RPC_SHAPES)[number];

/** What somebody is about to be given, or to tell. */
export interface Access {
  readonly peer: Peer;
  /** Who the client says it is; undefined where it does not say, as tools do that ask for the status of clients. */
  readonly node: NodeIdentity | undefined;
  /** The type that is asked for; empty where a call is not about one. */
  readonly typeUrl: string;
  readonly rpc: RpcShape;
}

/**
 * Decides whether a client may have what it asks for: `true`, or the reason why not, which is for the server's log alone.
 * It is asked before the first answer of each call, for each new type of a stream, and for all of them again when the node
 * on it changes. One that throws, or answers anything else, refuses.
 */
export type Authorize = (access: Access) => true | string;

/** Why a call is refused. */
export interface AccessRefusal {
  /** For the client: nothing that it has not said itself. */
  readonly told: string;
  /** For the log. */
  readonly logged: string;
}

/** Asks the hook; undefined: allowed. Never throws (P55). */
export function refusalOf(authorize: Authorize, access: Access): AccessRefusal | undefined {
  const answer = ask(authorize, access);
  if (answer === true) return undefined;
  const { peer, node, typeUrl, rpc } = access;
  const asWhom = node === undefined ? "without a node" : `as node ${quoted(node.id)}`;
  const forWhat = typeUrl === "" ? rpc : `${rpc} of ${quoted(typeUrl)}`;
  return {
    told: `not authorized for ${forWhat} ${asWhom}; the log of this server says why`,
    logged: `${peer.address} is refused ${forWhat} ${asWhom}: ${answer}`,
  };
}

function ask(authorize: Authorize, access: Access): true | string {
  try {
    const answer: unknown = authorize(access);
    if (answer === true) return true;
    return typeof answer === "string" ? answer : "the authorize hook answered neither true nor a reason";
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `the authorize hook failed, and what it cannot decide is refused: ${why}`;
  }
}

/** What a client says may be long, and hold anything. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
