import { request as send } from "node:http";
import { afterEach } from "vitest";
import type { Fleet } from "../../src/control/fleet.ts";
import type { MeshReader } from "../../src/control/mesh-reader.ts";
import type { Mesh } from "../../src/core/mesh/mesh.ts";
import type { Codec } from "../../src/envoy/codec.ts";
import type { Backend, Log } from "../../src/http/backend.ts";
import { createHttpServer } from "../../src/http/server.ts";
import { FakeControlPlane, meshOf } from "./fake-control-plane.ts";

const silent: Log = { info() {}, warn() {}, error() {} };

/** Reads `bad` as a problem at 2:3 and everything else as the same small mesh. */
export const fakeReader: MeshReader = {
  readText: async (text, name) =>
    text.includes("bad")
      ? {
          problems: [
            {
              path: "services[0]",
              message: "it is bad",
              hint: "make it good",
              code: "bad-value",
              file: name,
              line: 2,
              column: 3,
            },
          ],
        }
      : { mesh: meshOf() },
  readValue: async (value) =>
    typeof value === "object" && value !== null && "services" in value
      ? { mesh: value as Mesh }
      : { problems: [{ path: "services", message: "it is missing", code: "missing" }] },
  locate: async (problems, _text, name) =>
    problems.map(({ path, message, code }) => ({
      path: path.join("."),
      message,
      code,
      ...(name === undefined ? {} : { file: name, line: 1, column: 1 }),
    })),
  jsonSchema: () => ({ type: "object" }),
};

const fakeCodec: Codec = {
  envoyVersion: "1.40.0",
  encode: (json) => ({
    resource: {
      typeUrl: "t",
      name: "n",
      version: "v",
      bytes: new TextEncoder().encode(JSON.stringify(json)),
      refs: [],
    },
  }),
  check: () => [],
  decode: (_type, bytes) => JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>,
  decodeRedacted: (_type, bytes) => ({
    ...(JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>),
    inline_string: "[redacted]",
  }),
  hasField: () => true,
};

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON. */
  readonly json: Json;
}

/** JSON of unknown shape. */
export type Json = Readonly<Record<string, unknown>>;

/** What stands at a path in a JSON document; undefined where nothing does. */
export function at(document: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string | number, unknown> | undefined)?.[key], document);
}

export interface Serving {
  readonly controlPlane: FakeControlPlane;
  readonly url: string;
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answered>;
  close(): Promise<void>;
}

const open = new Set<() => Promise<void>>();
afterEach(async () => {
  for (const close of open) await close();
  open.clear();
});

/** A server on a free port over a fake control plane; closed when the test ends. */
export async function serving(
  address = "127.0.0.1:0",
  log: Log = silent,
  fleet?: Pick<Fleet, "listen">,
  more: Partial<Backend> = {},
): Promise<Serving> {
  const controlPlane = new FakeControlPlane();
  const server = createHttpServer({
    controlPlane,
    meshReader: fakeReader,
    codec: fakeCodec,
    log,
    ...(fleet === undefined ? {} : { fleet }),
    xdsAddress: "127.0.0.1:18000",
    ...more,
  });
  const { url } = await server.listen(address);
  const close = (): Promise<void> => server.close();
  open.add(close);
  const ask: Serving["ask"] = (method, path, body, headers = {}) => {
    const raw = body === undefined || typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return exchange(url, { method, path, headers }, raw);
  };
  return { controlPlane, url, ask, close };
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
}

/** One request, sent as it is: paths are not tidied. */
export function exchange(url: string, sent: Sent, body?: string | Buffer): Promise<Answered> {
  const target = url.startsWith("unix:")
    ? { socketPath: url.slice(5) }
    : { host: new URL(url).hostname, port: new URL(url).port };
  return new Promise((resolve, reject) => {
    const outgoing = send({ ...target, ...sent, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const { statusCode = 0, headers } = response;
        resolve({
          status: statusCode,
          headers,
          text,
          get json() {
            return JSON.parse(text) as Json;
          },
        });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
