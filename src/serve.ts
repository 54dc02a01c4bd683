import { randomInt } from "node:crypto";
import { resolve } from "node:path";
import type { Logger } from "pino";
import type { Authorize } from "./control/access.ts";
import { certificateNamesNode } from "./control/certificate-names-node.ts";
import { systemClock } from "./control/clock.ts";
import { openControlPlane } from "./control/conductor.ts";
import type { ControlPlane } from "./control/control-plane.ts";
import type { LocatedProblem, MeshReader } from "./control/mesh-reader.ts";
import { NodeRegistry } from "./control/node-registry.ts";
import { sessionSettings } from "./control/session-settings.ts";
import { sha256 } from "./control/sha256.ts";
import { limitAges, STREAM_AGE_MS } from "./control/stream-ages.ts";
import { Telemetry } from "./control/telemetry.ts";
import type { TlsMaterial } from "./control/tls.ts";
import { unreadyControlPlane } from "./control/unready.ts";
import { emptyState } from "./core/journal/fold.ts";
import type { ClusterLoad } from "./core/load/report.ts";
import { canonicalJson } from "./core/mesh/canonical.ts";
import type { Mesh } from "./core/mesh/mesh.ts";
import type { Codec } from "./envoy/codec.ts";
import { compile } from "./envoy/compile.ts";
import { createMeshReader } from "./file/mesh-reader.ts";
import { readMeshText } from "./file/read-file.ts";
import { formatProblem } from "./file/read-mesh.ts";
import { loadCodec } from "./file/schema-set.ts";
import { readTlsFiles, type TlsFiles, type TlsPaths, watchTlsFiles } from "./file/tls-files.ts";
import { furtherRoutes } from "./grpc/further-services.ts";
import { listenXds, type XdsListener } from "./grpc/xds-server.ts";
import { createHttpServer } from "./http/server.ts";
import { hasDatabase, openSqliteStore } from "./store/sqlite.ts";

/** A control plane's flags, complete: the command line fills in the defaults. */
export interface ServeOptions {
  /** Folder of the embedded store. */
  readonly data: string;
  /** Seeds an empty store; changes nothing on one that has revisions. */
  readonly mesh?: string;
  /** `HOST:PORT`; port 0 takes a free one. */
  readonly xds: string;
  /** `HOST:PORT` or `unix:PATH`. */
  readonly http: string;
  /** An Envoy binary whose API is used instead of the built-in one. */
  readonly envoy?: string;
  readonly descriptorSet?: string;
  /** How often Envoys that report their load do so, in milliseconds; 10 s. */
  readonly loadReportMs?: number;
  /** Serves xDS over TLS; without it in plain text. */
  readonly xdsTls?: XdsTls;
  /** A stream that is older than about this is ended with OK once it is at rest, in milliseconds; 30 min. */
  readonly streamAgeMs?: number;
  readonly log: Logger;
}

/** How the port of xDS is secured. */
export interface XdsTls {
  /** They are read again when they change. */
  readonly files: TlsPaths;
  /** With a client CA: fields of a node that its certificate must name; `id`. */
  readonly names?: readonly ("id" | "cluster")[];
  /** With a client CA: names of certificates that may ask CSDS for the status of all nodes; nobody. */
  readonly observers?: readonly string[];
  /** How often the files are looked at, in milliseconds; 1 s. */
  readonly everyMs?: number;
}

/** A running control plane. */
export interface RunningServer {
  /** `HOST:PORT` with the port that was bound. */
  readonly xds: string;
  /** `http://HOST:PORT` or `unix:PATH`. */
  readonly http: string;
  readonly controlPlane: ControlPlane;
  /** What Envoys have counted of late of each cluster that they call. */
  loads(): ReadonlyMap<string, ClusterLoad>;
  /** Sentences for the person who started it. */
  readonly notices: readonly string[];
  close(): Promise<void>;
}

/** A mesh file that cannot be used: nothing was started. */
export class MeshFileError extends Error {
  readonly problems: readonly LocatedProblem[];

  constructor(problems: readonly LocatedProblem[]) {
    super(`${problems.length} problem(s) in the mesh file`);
    this.name = "MeshFileError";
    this.problems = problems;
  }
}

/** A removed cluster stays this long after its last reference is gone, and at most this long, in milliseconds. */
const REMOVAL_TIMES = { graceMs: 1_000, holdMs: 5_000 };

/** How long streams and requests may take to end when the server closes, in milliseconds. */
const CLOSE_MS = 1_000;

/**
 * Runs a control plane: everything is wired here and nowhere else.
 *
 * @throws MeshFileError for a mesh file with mistakes, ControlError `invalid` for a certificate that cannot be used, Error with
 * a sentence for an address that cannot be bound
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const reader = createMeshReader();
  const file = options.mesh === undefined ? undefined : await readMesh(options.mesh, reader);
  // Nothing is begun for a store that would be seeded with this.
  if (file !== undefined && "problems" in file && !hasDatabase(resolve(options.data)))
    throw new MeshFileError(file.problems);
  const material = options.xdsTls === undefined ? undefined : await readTlsFiles(options.xdsTls.files);
  const codec = await loadCodec({
    ...(options.envoy === undefined ? {} : { envoy: options.envoy }),
    ...(options.descriptorSet === undefined ? {} : { descriptorSet: options.descriptorSet }),
  });
  const registry = new NodeRegistry(sessionSettings(REMOVAL_TIMES, randomInt(2 ** 31)));
  const opened = await open(options, registry, codec);
  const { controlPlane, unusable } = opened;
  const notices = unusable === undefined ? await seedFrom(file, controlPlane, reader) : [`not ready: ${unusable}`];
  return listen({ options, registry, controlPlane, codec, reader, notices, material });
}

interface MeshFile {
  readonly name: string;
  readonly text: string;
  readonly mesh: Mesh;
}

/** A mesh file with mistakes. */
interface BadMeshFile {
  readonly name: string;
  readonly problems: readonly LocatedProblem[];
}

async function readMesh(name: string, reader: MeshReader): Promise<MeshFile | BadMeshFile> {
  const given = await readMeshText(name);
  if (!("text" in given)) return { name, problems: [{ path: "(document)", file: name, ...given }] };
  const { text } = given;
  const result = await reader.readText(text, name);
  return "problems" in result ? { name, problems: result.problems } : { name, text, mesh: result.mesh };
}

interface Opened {
  readonly controlPlane: ControlPlane;
  /** Why the store cannot be used, where it cannot. */
  readonly unusable?: string;
}

async function open(options: ServeOptions, registry: NodeRegistry, codec: Codec): Promise<Opened> {
  const { log } = options;
  const opened = await openSqliteStore(resolve(options.data));
  if ("unusable" in opened) return unready(opened.unusable, registry, log);
  const { store } = opened;
  let controlPlane: ControlPlane;
  try {
    controlPlane = await openControlPlane({
      store,
      fleet: registry,
      clock: systemClock,
      digest: sha256,
      codec,
      compile,
      log,
    });
  } catch (error) {
    await store.close();
    return unready(error instanceof Error ? error.message : String(error), registry, log);
  }
  return { controlPlane };
}

function unready(why: string, registry: NodeRegistry, log: Logger): Opened {
  log.error({ why }, "not ready: no Envoy is answered, what they have stays in force");
  registry.refuseStreams(why);
  return { controlPlane: unreadyControlPlane(why, emptyState(), registry), unusable: why };
}

/** An empty store takes the file as revision 1, live at once; any other store is left as it is, and that is said. */
async function seedFrom(
  file: MeshFile | BadMeshFile | undefined,
  controlPlane: ControlPlane,
  reader: MeshReader,
): Promise<readonly string[]> {
  if (file === undefined) return [];
  try {
    if (controlPlane.state().revisions.size > 0) return await compared(controlPlane, file);
    if ("problems" in file) throw new MeshFileError(file.problems);
    return await seed(controlPlane, reader, file);
  } catch (error) {
    await controlPlane.close();
    throw error;
  }
}

/** Once there are revisions the file changes nothing, whatever is in it: Envoys are not to go without for its sake. */
async function compared(controlPlane: ControlPlane, file: MeshFile | BadMeshFile): Promise<readonly string[]> {
  const { live } = controlPlane.state();
  const stays = live === null ? "the store has revisions already" : `revision ${live.revision} stays live`;
  if ("problems" in file) {
    const lines = file.problems.slice(0, 5).map((problem) => formatProblem(problem));
    return [`${file.name} cannot be used; ${stays}`, ...lines];
  }
  const mesh = live === null ? undefined : await controlPlane.mesh(live.revision);
  if (mesh !== undefined && canonicalJson(mesh) === canonicalJson(file.mesh)) return [];
  const differs = live === null ? "changes nothing" : `differs from revision ${live.revision}`;
  return [`${file.name} ${differs}; ${stays}; to roll it out: belay apply -f ${file.name} --reason "why"`];
}

async function seed(controlPlane: ControlPlane, reader: MeshReader, file: MeshFile): Promise<readonly string[]> {
  const problems = controlPlane.check(file.mesh);
  if (problems.length > 0) throw new MeshFileError(await reader.locate(problems, file.text, file.name));
  const by = "serve";
  await controlPlane.publish({
    mesh: file.mesh,
    source: { name: file.name, text: file.text },
    seed: true,
    by,
    reason: `seed: ${file.name}`,
  });
  return [`${file.name} is revision 1, live`];
}

interface Parts {
  readonly options: ServeOptions;
  readonly controlPlane: ControlPlane;
  readonly notices: readonly string[];
  readonly registry: NodeRegistry;
  readonly codec: Codec;
  readonly reader: MeshReader;
  readonly material: TlsMaterial | undefined;
}

function listenForXds(parts: Parts, telemetry: Telemetry, authorize: Authorize | undefined): Promise<XdsListener> {
  const { options, registry, controlPlane, material } = parts;
  return listenXds(options.xds, {
    open: (dialect, sink, typeUrl) => registry.open(dialect, sink, typeUrl),
    fetch: (request, node) => registry.fetchOnce(request, node),
    counters: registry.counters,
    identifier: () => `belay r${controlPlane.state().live?.revision ?? 0}`,
    onWarning: (message) => options.log.warn(message),
    more: furtherRoutes({ registry, telemetry, loadReportMs: options.loadReportMs }),
    authorize,
    tls: material,
  });
}

/** Where clients show certificates, they are the nodes that these name. */
function hookOf(tls: XdsTls | undefined): Authorize | undefined {
  if (tls?.files.clientCa === undefined) return undefined;
  const { names: fields, observers } = tls;
  return certificateNamesNode({ ...(fields && { fields }), ...(observers && { observers }) });
}

/** New connections get new certificates; what cannot be used never replaces what works. */
function watchFiles({ options, material }: Parts, xds: XdsListener): TlsFiles | undefined {
  const { xdsTls, log } = options;
  if (xdsTls === undefined || material === undefined) return undefined;
  return watchTlsFiles(xdsTls.files, material, {
    changed: (next) => {
      xds.setTls(next);
      log.info(`the certificate of xDS is exchanged: ${xdsTls.files.cert}`);
    },
    unusable: (why) => log.warn(`${why}; the certificate in use stays`),
    ...(xdsTls.everyMs === undefined ? {} : { everyMs: xdsTls.everyMs }),
  });
}

async function listen(parts: Parts): Promise<RunningServer> {
  const { options, registry, controlPlane, codec, reader, notices } = parts;
  const { log } = options;
  const telemetry = new Telemetry();
  const authorize = hookOf(options.xdsTls);
  const xds = await listenForXds(parts, telemetry, authorize);
  const files = watchFiles(parts, xds);
  // Not while something is moving: a host that is away for a moment would be passed over, or be missed.
  const mayEnd = (): boolean => controlPlane.state().active === null;
  const stopAging = limitAges(registry, { clock: systemClock, ageMs: options.streamAgeMs ?? STREAM_AGE_MS, mayEnd });
  const xdsAddress = `${options.xds.slice(0, options.xds.lastIndexOf(":"))}:${xds.port}`;
  const pushed = { reports: registry.reports, telemetry };
  const http = createHttpServer({
    controlPlane,
    fleet: registry,
    fetch: (request, node) => registry.fetchOnce(request, node),
    authorize,
    xdsStats: () => registry.stats(),
    ...(files === undefined ? {} : { xdsCertificateEnds: () => files.runsOutAt() }),
    pushed,
    meshReader: reader,
    codec,
    log,
    xdsAddress,
  });
  let bound: { url: string };
  try {
    bound = await http.listen(options.http);
  } catch (error) {
    files?.stop();
    stopAging();
    await xds.close(0);
    await controlPlane.close();
    throw error;
  }
  return {
    xds: xdsAddress,
    http: bound.url,
    controlPlane,
    notices,
    loads: () => registry.loads(),
    async close() {
      files?.stop();
      await http.close();
      // Before the streams end: that every node leaves now is no news about the nodes.
      await controlPlane.close();
      stopAging();
      registry.close("unavailable", "this control plane is shutting down");
      await xds.close(CLOSE_MS);
    },
  };
}
