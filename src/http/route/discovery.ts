import type { Access } from "../../control/access.ts";
import { refusalOf } from "../../control/access.ts";
import type { Fetched } from "../../control/fetches.ts";
import { sharedExtensions } from "../../control/node-extensions.ts";
import type { NodeExtensions, NodeIdentity } from "../../core/node/node.ts";
import {
  CLUSTER,
  ENDPOINTS,
  EXTENSION_CONFIG,
  LISTENER,
  ROUTES,
  RUNTIME,
  SCOPED_ROUTES,
  SECRET,
} from "../../core/resource/type-url.ts";
import type { SotwRequest, Response as XdsResponse } from "../../core/xds/message.ts";
import type { Codec } from "../../envoy/codec.ts";
import { json, Refusal } from "../answer.ts";
import type { Serving } from "../backend.ts";
import { readJson } from "../read-body.ts";

/** The paths at which Envoys poll that use `api_type: REST`, as Envoy's API has them, and the type that each gives. */
export const DISCOVERY: ReadonlyMap<string, string> = new Map([
  ["/v3/discovery:clusters", CLUSTER],
  ["/v3/discovery:endpoints", ENDPOINTS],
  ["/v3/discovery:listeners", LISTENER],
  ["/v3/discovery:routes", ROUTES],
  ["/v3/discovery:scoped-routes", SCOPED_ROUTES],
  ["/v3/discovery:secrets", SECRET],
  ["/v3/discovery:runtime", RUNTIME],
  ["/v3/discovery:extension_configs", EXTENSION_CONFIG],
]);

/** What is polled, and from where. */
interface Poll {
  readonly typeUrl: string;
  /** Of the client, for people. */
  readonly address: string;
}

/**
 * Answers an Envoy that polls: a DiscoveryRequest in JSON, a DiscoveryResponse in JSON, and 304 where there is nothing new
 * (P68). Secrets are in it as they are: this is how that Envoy gets them.
 *
 * @throws Refusal for a request that cannot be answered
 */
export async function discover(backend: Serving, request: Request, { typeUrl, address }: Poll): Promise<Response> {
  refuseBrowsers(request);
  const { fetch, codec } = backend;
  if (fetch === undefined) throw new Refusal(501, "not-implemented", "this server takes no polls; use gRPC");
  const body = recordOf(await readJson(request), "the body");
  const asked = textOf(body, "type_url");
  if (asked !== "" && asked !== typeUrl) {
    throw new Refusal(400, "bad-request", `this path carries ${typeUrl} only`);
  }
  const xdsRequest = requestOf(body, typeUrl);
  const node = nodeOf(body);
  refuseUnauthorized(backend, { peer: { address, certificate: undefined }, node, typeUrl, rpc: "rest" });
  return answerOf(await fetch(xdsRequest, node), codec);
}

/** The same hook as on the port of xDS; no client of this port has a certificate. */
function refuseUnauthorized({ authorize, warn }: Serving, access: Access): void {
  const refusal = authorize === undefined ? undefined : refusalOf(authorize, access);
  if (refusal === undefined) return;
  warn(refusal.logged);
  throw new Refusal(403, "forbidden", refusal.told);
}

/** Programs alone may ask; a page in a browser would be after the secrets. */
function refuseBrowsers({ headers }: Request): void {
  if (headers.has("origin") || headers.has("sec-fetch-site")) {
    throw new Refusal(403, "forbidden", "configuration is not given to pages in a browser");
  }
}

function answerOf(fetched: Fetched, codec: Codec): Response {
  switch (fetched.kind) {
    case "found":
      return fetched.isUnchanged ? unchanged() : json(200, responseOf(fetched.response, codec));
    case "nothing":
      return unchanged();
    case "unavailable":
      throw new Refusal(503, "not-ready", fetched.why);
    case "invalid":
      throw new Refusal(400, "bad-request", fetched.why);
  }
}

function unchanged(): Response {
  return new Response(null, { status: 304, headers: { "cache-control": "no-store" } });
}

function responseOf({ typeUrl, version, nonce, resources }: XdsResponse, codec: Codec): object {
  const decoded = resources.map((resource) => codec.decode(resource.typeUrl, resource.bytes));
  return { version_info: version, resources: decoded, type_url: typeUrl, nonce };
}

function requestOf(body: Readonly<Record<string, unknown>>, typeUrl: string): SotwRequest {
  const names = valueOf(body, "resource_names") ?? [];
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) throw wrong("resource_names", "names");
  const request = { typeUrl, names, versionInfo: textOf(body, "version_info"), nonce: textOf(body, "response_nonce") };
  const detail = valueOf(body, "error_detail");
  if (detail === undefined) return request;
  const { code, message } = recordOf(detail, "error_detail");
  const error = { code: typeof code === "number" ? code : 0, message: typeof message === "string" ? message : "" };
  return { ...request, error };
}

function nodeOf(body: Readonly<Record<string, unknown>>): NodeIdentity | undefined {
  const value = valueOf(body, "node");
  if (value === undefined) return undefined;
  const node = recordOf(value, "node");
  const labels = Object.entries(recordOf(valueOf(node, "metadata") ?? {}, "node.metadata")).flatMap(([key, label]) =>
    typeof label === "string" ? [[key, label] as const] : [],
  );
  const locality = recordOf(valueOf(node, "locality") ?? {}, "node.locality");
  const extensions = extensionsOf(valueOf(node, "extensions"));
  return {
    id: textOf(node, "id"),
    cluster: textOf(node, "cluster"),
    labels: Object.fromEntries(labels.sort(([a], [b]) => (a < b ? -1 : 1))),
    zone: textOf(locality, "zone"),
    envoyVersion: builtAs(node) ?? textOf(node, "user_agent_version"),
    ...(extensions === undefined ? {} : { extensions }),
  };
}

/** What is no list of extensions decides nothing, and is passed over. */
function extensionsOf(value: unknown): NodeExtensions | undefined {
  if (!Array.isArray(value)) return undefined;
  return sharedExtensions(
    value.flatMap((one: unknown) => {
      const { category = "", name = "" } = (one ?? {}) as { readonly category?: unknown; readonly name?: unknown };
      return typeof category === "string" && typeof name === "string" ? [[category, name] as const] : [];
    }),
  );
}

/** `1.40.0` of a build version; undefined where it says none. */
function builtAs(node: Readonly<Record<string, unknown>>): string | undefined {
  const build = recordOf(valueOf(node, "user_agent_build_version") ?? {}, "node.user_agent_build_version");
  const version = valueOf(build, "version");
  if (version === undefined) return undefined;
  const numbers = recordOf(version, "node.user_agent_build_version.version");
  return ["major_number", "minor_number", "patch"].map((part) => numberOf(numbers, part)).join(".");
}

/** A field by the proto's name, or by the camelCase that JSON may have in its place. */
function valueOf(object: Readonly<Record<string, unknown>>, name: string): unknown {
  const camelCase = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return object[name] ?? object[camelCase] ?? undefined;
}

function textOf(object: Readonly<Record<string, unknown>>, name: string): string {
  const value = valueOf(object, name) ?? "";
  if (typeof value !== "string") throw wrong(name, "text");
  return value;
}

function numberOf(object: Readonly<Record<string, unknown>>, name: string): number {
  const value = valueOf(object, name) ?? 0;
  if (typeof value !== "number") throw wrong(name, "a number");
  return value;
}

function recordOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(what, "an object");
  return value as Readonly<Record<string, unknown>>;
}

function wrong(what: string, wanted: string): Refusal {
  return new Refusal(400, "bad-request", `${what} of a DiscoveryRequest must be ${wanted}`);
}
