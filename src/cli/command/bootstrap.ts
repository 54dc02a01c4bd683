import { type BootstrapTls, bootstrap } from "../../envoy/bootstrap.ts";
import type { StatusObject } from "../../http/contract.ts";
import { EXIT, usage } from "../failure.ts";
import type { Session } from "../session.ts";

export interface BootstrapFlags {
  readonly node: string;
  readonly cluster: string;
  readonly label: readonly string[];
  readonly zone?: string;
  readonly xds?: string;
  readonly admin?: string;
  readonly tls?: string;
  readonly delta?: boolean;
  readonly loadReports?: boolean;
}

const DEFAULT_XDS = "127.0.0.1:18000";
/** The server is a courtesy here, in milliseconds. */
const PATIENCE_MS = 2_000;

/** `belay bootstrap`: the file that an Envoy starts with, and nothing else, on standard output. */
export async function bootstrapCommand(session: Session, flags: BootstrapFlags): Promise<number> {
  if (flags.node.trim() === "") throw usage("--node is empty; Envoy needs a name, unique in the fleet");
  if (flags.cluster.trim() === "") throw usage("--cluster is empty; it says what the Envoy is for");
  const labels = labelsIn(flags.label);
  const given = flags.xds === undefined ? undefined : hostPortIn("--xds", flags.xds);
  const tls = flags.tls === undefined ? undefined : tlsIn(flags.tls);
  // Port 0 is for Envoy to choose: it tells in its log and its --admin-address-path.
  const admin = flags.admin === undefined ? undefined : hostPortIn("--admin", flags.admin, 0);
  const document = bootstrap({
    node: { id: flags.node, cluster: flags.cluster, labels, ...(flags.zone === undefined ? {} : { zone: flags.zone }) },
    xds: given ?? (await servedXds(session)),
    delta: flags.delta === true,
    ...(tls === undefined ? {} : { tls }),
    loadReports: flags.loadReports === true,
    ...(admin === undefined ? {} : { admin: { address: admin.host, port: admin.port } }),
  });
  const { stringify } = await import("yaml");
  session.result(document, stringify(document));
  return EXIT.done;
}

function labelsIn(words: readonly string[]): Record<string, string> {
  const labels = new Map<string, string>();
  for (const word of words) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    if (key === undefined || value === undefined) throw usage(`--label ${word}: write KEY=VALUE`);
    if (labels.has(key)) throw usage(`--label ${key} is given twice`);
    labels.set(key, value);
  }
  return Object.fromEntries(labels);
}

const TLS_EXAMPLE = "write ca=FILE[,cert=FILE,key=FILE][,sni=NAME], for example ca=/etc/envoy/ca.pem";

/** Files are of the Envoy's host: they are not looked for here. */
function tlsIn(text: string): BootstrapTls {
  const parts = new Map<string, string>();
  for (const part of text.split(",")) {
    const [, key, value] = /^(ca|cert|key|sni)=(.+)$/s.exec(part) ?? [];
    if (key === undefined || value === undefined) throw usage(`--tls ${part}: ${TLS_EXAMPLE}`);
    if (parts.has(key)) throw usage(`--tls ${text}: ${key} is given twice`);
    parts.set(key, value);
  }
  const [ca, cert, key, sni] = ["ca", "cert", "key", "sni"].map((name) => parts.get(name));
  if (ca === undefined) throw usage(`--tls ${text}: without a CA Envoy would trust anybody; ${TLS_EXAMPLE}`);
  if ((cert === undefined) !== (key === undefined)) throw usage(`--tls ${text}: cert and key belong together`);
  const client = cert === undefined || key === undefined ? {} : { client: { cert, key } };
  return { ca, ...client, ...(sni === undefined ? {} : { sni }) };
}

interface HostPort {
  readonly host: string;
  readonly port: number;
}

function hostPortIn(flag: string, text: string, least = 1): HostPort {
  const found = readHostPort(text, least);
  if (found === undefined) throw usage(`${flag} ${text}: write HOST:PORT, for example ${DEFAULT_XDS}`);
  return found;
}

function readHostPort(text: string, least = 1): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < least || port > 65_535) return undefined;
  return { host: match[1] ?? match[2] ?? "", port };
}

/** Where the server says that it serves xDS; the usual place where it does not answer. */
async function servedXds(session: Session): Promise<HostPort> {
  const usual = readHostPort(DEFAULT_XDS) ?? { host: "127.0.0.1", port: 18_000 };
  try {
    const { xds } = await session.client().get<StatusObject>("/v1/status", { patienceMs: PATIENCE_MS });
    return readHostPort(xds) ?? usual;
  } catch {
    session.say(
      `No control plane answers at ${session.server}, so the file says ${DEFAULT_XDS}; --xds says otherwise.`,
    );
    return usual;
  }
}
