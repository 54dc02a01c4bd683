import type { Access, Authorize, PeerCertificate } from "./access.ts";

/** What of a node must be among the names of its certificate, and who may see the status of all. */
export interface CertificateNames {
  /**
   * Fields that must each be a name of the certificate; `["id"]`. What is not among them is the node's own word: with
   * `["cluster"]` a client may take the id of any node, with `["id"]` it may claim any cluster and any label.
   */
  readonly fields?: readonly ("id" | "cluster")[];
  /** Names of certificates that may ask for the status of all clients (CSDS); nobody without it. */
  readonly observers?: readonly string[];
}

/**
 * A hook for `authorize`: a client is the node that its certificate names. A name is one of its DNS or URI subject
 * alternative names, compared as it stands: no wildcards, no parts of a path, no regard of the subject (P55).
 */
export function certificateNamesNode({ fields = ["id"], observers = [] }: CertificateNames = {}): Authorize {
  if (fields.length === 0) throw new Error("certificateNamesNode needs a field of the node that certificates name");
  return ({ peer: { certificate }, node, rpc }) => {
    if (certificate === undefined) return "it has shown no certificate";
    const names = [...certificate.dnsNames, ...certificate.uris];
    if (rpc === "client-status")
      return names.some((name) => observers.includes(name)) || `${shown(certificate)} is none of the observers`;
    return (
      named(fields, node, names) ?? `its certificate, ${shown(certificate)}, does not name its ${fields.join(" and ")}`
    );
  };
}

function named(
  fields: readonly ("id" | "cluster")[],
  node: Access["node"],
  names: readonly string[],
): true | undefined {
  return node !== undefined && fields.every((field) => names.includes(node[field])) ? true : undefined;
}

function shown({ dnsNames, uris, fingerprint }: PeerCertificate): string {
  const names = [...dnsNames, ...uris].map((name) => JSON.stringify(name)).join(", ");
  return `of ${names === "" ? "no names" : names} (SHA-256 ${fingerprint.slice(0, 16)}…)`;
}
