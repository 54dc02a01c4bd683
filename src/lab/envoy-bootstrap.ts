import { bootstrap } from "../envoy/bootstrap.ts";
import { LAB_CLUSTER } from "./mesh-text.ts";

/** Nobody should wait half a minute in a lab until an Envoy has found its control plane again. */
const RETRY = { retryBaseMs: 100, retryMaxMs: 1_000 };

/** The bootstrap of an Envoy of the lab, its admin interface on a free port. */
export function labBootstrap(id: string, xds: string, delta = false): Readonly<Record<string, unknown>> {
  const [host = "", port] = xds.split(":");
  const admin = { address: "127.0.0.1", port: 0 };
  return bootstrap({ node: { id, cluster: LAB_CLUSTER }, xds: { host, port: Number(port) }, delta, admin, ...RETRY });
}
