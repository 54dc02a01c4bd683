import type { Command } from "commander";
import type { Act } from "../act.ts";
import type { BootstrapFlags } from "../command/bootstrap.ts";
import type { RenderFlags } from "../command/render.ts";
import type { ValidateFlags } from "../command/validate.ts";

const FILE = "the mesh file; - is standard input";

/** Commands that need no server. */
export function registerOffline(program: Command, act: Act): void {
  program
    .command("validate")
    .description("check a mesh file, without a server")
    .requiredOption("-f, --file <file>", FILE)
    .action(
      act<ValidateFlags>(async (session, flags) => (await import("../command/validate.ts")).validate(session, flags)),
    );
  program
    .command("render")
    .description("show what Envoys would get for a mesh file, without a server")
    .requiredOption("-f, --file <file>", FILE)
    .option("--node <cluster>", "only what an Envoy of this cluster would get")
    .action(act<RenderFlags>(async (session, flags) => (await import("../command/render.ts")).render(session, flags)));
  program
    .command("schema")
    .description("the JSON Schema of a mesh file, for editors")
    .action(act(async (session) => (await import("../command/schema.ts")).schema(session)));
  program
    .command("bootstrap")
    .description("the file that an Envoy starts with")
    .requiredOption("--node <id>", "its name, unique in the fleet")
    .requiredOption("--cluster <name>", "its cluster")
    .option("--label <key=value>", "a label; may be given more than once", collect, [])
    .option("--zone <zone>", "its zone")
    .option("--xds <host:port>", "where Belay serves xDS (default: what the server says, else 127.0.0.1:18000)")
    .option("--admin <host:port>", "where Envoy's own admin interface listens")
    .option(
      "--tls <parts>",
      "reach Belay over TLS: ca=FILE[,cert=FILE,key=FILE][,sni=NAME]; files of the Envoy's host, PEM; cert is its own certificate, which must name its node id",
    )
    .option("--delta", "incremental xDS")
    .option("--load-reports", "Envoy reports its successes and failures for each cluster")
    .action(
      act<BootstrapFlags>(async (session, flags) =>
        (await import("../command/bootstrap.ts")).bootstrapCommand(session, flags),
      ),
    );
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
