import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ServiceClient } from "../wire/service-client.ts";
import type { Order, Tally } from "./order.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const CSDS = "envoy.service.status.v3.ClientStatusDiscoveryService";
/** Envoy's API as gRPC's own package has it: a client tells more of itself than Belay does, and in its own words. */
const API = ["envoy-api", "xds", "googleapis", "protoc-gen-validate"].map((part) =>
  join(ROOT, "node_modules", "@grpc", "grpc-js-xds", "deps", part),
);

/** The client program, compiled, inside the checkout, so that packages are found. */
export interface ClientProgram {
  start(options: ClientOptions): Promise<GrpcClient>;
  remove(): void;
}

/** Who a client is and where it asks for its configuration. */
export interface ClientOptions {
  readonly node: string;
  readonly port: number;
  /** How long it waits for a resource before it takes it for missing, in milliseconds; 15 s. */
  readonly missingAfterMs?: number;
}

export function compileClient(): ClientProgram {
  const out = mkdtempSync(join(ROOT, "node_modules", ".test-grpc-xds-"));
  const flags = "--ignoreConfig --module nodenext --target es2023 --lib es2023 --types node --skipLibCheck";
  const more = ["--rewriteRelativeImportExtensions", "--verbatimModuleSyntax", "--outDir", out];
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const source = join(import.meta.dirname, "client-program.ts");
  execFileSync(process.execPath, [tsc, ...flags.split(" "), ...more, "--rootDir", import.meta.dirname, source]);
  return {
    start: (options) => GrpcClient.start(join(out, "client-program.js"), options),
    remove: () => rmSync(out, { recursive: true, force: true }),
  };
}

/** What a client says of one resource, over its own CSDS. */
export interface ClientResource {
  readonly typeUrl: string;
  readonly name: string;
  readonly clientStatus: "REQUESTED" | "DOES_NOT_EXIST" | "ACKED" | "NACKED";
  readonly versionInfo: string;
  /** What it has in force, as it came. */
  readonly xdsConfig: { readonly value: Buffer } | null;
  readonly lastUpdated: unknown;
  readonly errorState: { readonly details: string; readonly versionInfo: string } | null;
}

/** A gRPC client that dials `xds:///` targets, in a process of its own. */
export class GrpcClient {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, (tally: Tally) => void>();
  #admin: ServiceClient | undefined;
  #orders = 0;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
  }

  static async start(program: string, { node, port, missingAfterMs }: ClientOptions): Promise<GrpcClient> {
    const bootstrap = {
      xds_servers: [
        { server_uri: `127.0.0.1:${port}`, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] },
      ],
      node: { id: node, cluster: "grpc", locality: { region: "here", zone: "a" } },
    };
    const env = {
      ...process.env,
      GRPC_XDS_BOOTSTRAP_CONFIG: JSON.stringify(bootstrap),
      ...(missingAfterMs === undefined ? {} : { MISSING_AFTER_MS: String(missingAfterMs) }),
    };
    const client = new GrpcClient(spawn(process.execPath, [program], { env, stdio: "pipe" }));
    await client.#listen();
    return client;
  }

  /** So many calls, and what came of them. */
  calls(count: number, target: string, { method = "Name", lanes = 8 } = {}): Promise<Tally> {
    return this.#order({ kind: "calls", count, target, method, lanes });
  }

  /** Calls until `stop`, in four lanes; one has been answered when this resolves. */
  async begin(target: string): Promise<void> {
    await this.calls(1, target);
    await this.#order({ kind: "load", target, method: "Name", lanes: 4 });
  }

  /** What came of the calls since `begin`. */
  stop(): Promise<Tally> {
    return this.#order({ kind: "stop" });
  }

  /** Calls until this backend has answered so many times without another in between: what was told has arrived. */
  async until(target: string, backend: string, times = 1): Promise<void> {
    for (;;) if ((await this.calls(times, target)).answers[backend] === times) return;
  }

  /** What the client says that it has, resource by resource. */
  async resources(): Promise<ClientResource[]> {
    const { config } = await (this.#admin as ServiceClient).call("FetchClientStatus", {});
    return (config as { genericXdsConfigs: ClientResource[] }[]).flatMap(({ genericXdsConfigs }) => genericXdsConfigs);
  }

  async close(): Promise<void> {
    this.#admin?.close();
    const exited = once(this.#child, "exit");
    this.#child.stdin.end();
    await exited;
  }

  /** Resolves when it is ready for orders. */
  async #listen(): Promise<void> {
    this.#child.stderr.pipe(process.stderr);
    const lines = createInterface({ input: this.#child.stdout });
    const [first] = await once(lines, "line");
    const { port } = JSON.parse(String(first)) as { port: number };
    this.#admin = new ServiceClient(port, "envoy/service/status/v3/csds.proto", CSDS, API);
    lines.on("line", (line) => {
      const { id, tally } = JSON.parse(line) as { id: number; tally: Tally };
      this.#waiting.get(id)?.(tally);
      this.#waiting.delete(id);
    });
  }

  #order(order: Order): Promise<Tally> {
    const id = ++this.#orders;
    this.#child.stdin.write(`${JSON.stringify({ id, order })}\n`);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}
