import type { Command } from "commander";
import type { Act } from "../act.ts";
import type { LabFlags } from "../command/lab.ts";
import type { ServeFlags } from "../command/serve.ts";

/** Commands that run something until they are stopped. */
export function registerRunning(program: Command, act: Act): void {
  program
    .command("serve")
    .description("run a control plane")
    .option("--mesh <file>", "seed an empty store with this mesh; changes nothing on one that has revisions")
    .option("--data <dir>", "where the store lives", "belay-data")
    .option("--store <url>", "sqlite:DIR, instead of --data")
    .option("--xds <host:port>", "where Envoys connect", "127.0.0.1:18000")
    .option("--http <host:port>", "where the API and the status page are; also unix:PATH", "127.0.0.1:7070")
    .option("--xds-cert <file>", "serve xDS over TLS with this certificate (PEM); read again when it changes")
    .option("--xds-key <file>", "its private key (PEM)")
    .option(
      "--xds-client-ca <file>",
      "serve only Envoys with a certificate that this CA (PEM) has signed and that names their node id, as a DNS or URI subject alternative name",
    )
    .option("--xds-bind <fields>", "what of a node its certificate must name: id, cluster or id,cluster (default: id)")
    .option(
      "--xds-observers <names>",
      "names of certificates, with commas, that may ask CSDS what all nodes have (default: none)",
    )
    .option("--envoy <binary>", "read Envoy's API from this Envoy")
    .option("--descriptor-set <file>", "read Envoy's API from this file")
    .action(
      act<ServeFlags>(async (session, flags) => (await import("../command/serve.ts")).serveCommand(session, flags)),
    );
  program
    .command("lab")
    .description("a whole small world on loopback to learn in; Ctrl-C ends it")
    .option("--envoys <n>", "how many Envoys", "2")
    .option("--tour", "play the whole story by itself, and end")
    .option("--xds <host:port>", "where Envoys connect")
    .option("--http <host:port>", "where the API and the status page are")
    .action(act<LabFlags>(async (session, flags) => (await import("../command/lab.ts")).labCommand(session, flags)));
}
