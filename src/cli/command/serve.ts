import { ControlError } from "../../core/failure/control-error.ts";
import type { XdsTls } from "../../serve.ts";
import { CommandFailure, EXIT, usage } from "../failure.ts";
import { invalidMesh } from "../mesh-file.ts";
import type { Session } from "../session.ts";

export interface ServeFlags {
  readonly mesh?: string;
  readonly data: string;
  readonly store?: string;
  readonly xds: string;
  readonly http: string;
  readonly xdsCert?: string;
  readonly xdsKey?: string;
  readonly xdsClientCa?: string;
  readonly xdsBind?: string;
  readonly xdsObservers?: string;
  readonly envoy?: string;
  readonly descriptorSet?: string;
}

const LEVELS: ReadonlySet<string> = new Set(["trace", "debug", "info", "warn", "error", "fatal", "silent"]);

/** `belay serve`: runs a control plane until SIGINT or SIGTERM. */
export async function serveCommand(session: Session, flags: ServeFlags): Promise<number> {
  const data = dataIn(flags);
  checkAddress("--xds", flags.xds, false);
  checkAddress("--http", flags.http, true);
  tlsIn(flags);
  // From the first moment: a signal while it starts must end it in good order too.
  const stopped = new Promise<void>((resolve) => void session.io.onInterrupt(resolve));
  const server = await start(session, flags, data);
  for (const notice of server.notices) session.say(notice);
  session.say(`belay is serving: xds ${server.xds}, http ${server.http}`);
  await stopped;
  session.say("Stopping. Envoys keep what they have.");
  await server.close();
  return EXIT.done;
}

async function start(
  session: Session,
  flags: ServeFlags,
  data: string,
): Promise<import("../../serve.ts").RunningServer> {
  const [{ MeshFileError, serve }, { pino }] = await Promise.all([import("../../serve.ts"), import("pino")]);
  const level = session.io.env["BELAY_LOG_LEVEL"] ?? "warn";
  const log = pino(
    { name: "belay", level: LEVELS.has(level) ? level : "warn" },
    pino.destination({ fd: 2, sync: true }),
  );
  const { xds, http, mesh, envoy, descriptorSet } = flags;
  const xdsTls = tlsIn(flags);
  try {
    return await serve({
      data,
      xds,
      http,
      log,
      ...(xdsTls === undefined ? {} : { xdsTls }),
      ...(mesh === undefined ? {} : { mesh }),
      ...(envoy === undefined ? {} : { envoy }),
      ...(descriptorSet === undefined ? {} : { descriptorSet }),
    });
  } catch (error) {
    if (error instanceof MeshFileError) throw invalidMesh(error.problems);
    throw notStarted(error);
  }
}

/** Failures have sentences for whoever started it; anything else is a defect, and is shown as one. */
function notStarted(error: unknown): unknown {
  if (!(error instanceof ControlError) && !(error instanceof Error && error.name === "Error")) return error;
  const isTaken = error.message.includes("EADDRINUSE");
  const code = error instanceof ControlError ? error.code : isTaken ? "conflict" : undefined;
  if (code === "invalid") return usage(error.message);
  return new CommandFailure(code === "conflict" ? EXIT.conflict : EXIT.failed, error.message);
}

function dataIn({ data, store }: ServeFlags): string {
  if (data === "") throw usage("--data is empty; name the folder where the store lives");
  if (store === undefined) return data;
  if (store.startsWith("etcd:"))
    throw usage(`--store ${store}: etcd comes in a later version; what there is: sqlite:DIR`);
  const dir = /^sqlite:(.+)$/s.exec(store)?.[1];
  if (dir === undefined) throw usage(`--store ${store}: write sqlite:DIR`);
  return dir;
}

const BINDINGS: ReadonlyMap<string, readonly ("id" | "cluster")[]> = new Map([
  ["id", ["id"]],
  ["cluster", ["cluster"]],
  ["id,cluster", ["id", "cluster"]],
]);

function tlsIn({ xdsCert, xdsKey, xdsClientCa, xdsBind, xdsObservers }: ServeFlags): XdsTls | undefined {
  const names = xdsBind === undefined ? undefined : BINDINGS.get(xdsBind);
  if (xdsBind !== undefined && names === undefined)
    throw usage(`--xds-bind ${xdsBind}: write ${[...BINDINGS.keys()].join(" or ")}`);
  if (xdsBind !== undefined && xdsClientCa === undefined) throw usage("--xds-bind needs --xds-client-ca");
  const observers = xdsObservers?.split(",").filter((name) => name !== "");
  if (observers !== undefined && xdsClientCa === undefined) throw usage("--xds-observers needs --xds-client-ca");
  if (xdsCert === undefined && xdsKey === undefined && xdsClientCa === undefined) return undefined;
  if (xdsCert === undefined || xdsKey === undefined)
    throw usage("xDS over TLS needs both --xds-cert and --xds-key; --xds-client-ca adds to them");
  const files = { cert: xdsCert, key: xdsKey, ...(xdsClientCa === undefined ? {} : { clientCa: xdsClientCa }) };
  return { files, ...(names && { names }), ...(observers && { observers }) };
}

function checkAddress(flag: string, text: string, takesSocket: boolean): void {
  if (takesSocket && /^unix:.+/s.test(text)) return;
  const port = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(text)?.[1];
  if (port !== undefined && Number(port) <= 65_535) return;
  throw usage(`${flag} ${text}: write HOST:PORT${takesSocket ? " or unix:PATH" : ""}, for example 127.0.0.1:7070`);
}
