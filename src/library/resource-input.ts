import type { Problem } from "../core/failure/problem.ts";
import type { Digest, Resource } from "../core/resource/resource.ts";
import { versionOf } from "../core/resource/resource.ts";
import { EXTENSION_CONFIG, RUNTIME, shortTypeName } from "../core/resource/type-url.ts";
import { encodedResource } from "../envoy/encoded-resource.ts";
import { builtCodec } from "../file/schema-set.ts";

/** A resource as a program gives it: Envoy's JSON with `@type`, or bytes that are encoded already; either may expire. */
export type ResourceInput = LastingResource | ExpiringResource;

type LastingResource = Readonly<Record<string, unknown>> | EncodedResource;

/** A resource that is encoded already; nothing is checked in it. */
export interface EncodedResource {
  readonly typeUrl: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * A resource that clients drop when the server has been gone for so long: a fault that ends with whoever injects it. As
 * long as there is a stream the server renews it, every third of that time.
 */
export interface ExpiringResource {
  readonly resource: LastingResource;
  /** In milliseconds, 100 to 86,400,000 (a day). */
  readonly ttlMs: number;
}

/**
 * Types that Envoy drops, and only drops, when their time is over, in both dialects: seen on 1.40.0. Endpoints, routes and
 * secrets crash one in state of the world; clusters cannot be renewed while one of them warms.
 */
const EXPIRING_TYPES: ReadonlySet<string> = new Set([RUNTIME, EXTENSION_CONFIG]);

const TTL_MS = { least: 100, most: 86_400_000 };

type Encoded = { readonly resource: Resource } | { readonly problems: readonly Problem[] };

/** The resource, or what is wrong with it. */
export function encodeInput(input: ResourceInput, digest: Digest): Encoded {
  return isExpiring(input) ? encodeExpiring(input, digest) : encodeLasting(input, digest);
}

function encodeLasting(input: LastingResource, digest: Digest): Encoded {
  if (!isEncoded(input)) return builtCodec().encode(input);
  const { typeUrl, name, bytes } = input;
  if (name === "") {
    return { problems: [{ path: ["name"], message: "a resource must have a name", code: "missing-name" }] };
  }
  return encodedResource({ typeUrl, name, bytes, refs: [] }, digest, "name");
}

function encodeExpiring({ resource: input, ttlMs }: ExpiringResource, digest: Digest): Encoded {
  const encoded = encodeLasting(input, digest);
  const problems: Problem[] = [];
  if ("problems" in encoded) {
    problems.push(...encoded.problems.map((problem) => ({ ...problem, path: ["resource", ...problem.path] })));
  } else if (!EXPIRING_TYPES.has(encoded.resource.typeUrl)) problems.push(unsafe(encoded.resource));
  if (!Number.isInteger(ttlMs) || ttlMs < TTL_MS.least || ttlMs > TTL_MS.most) problems.push(outOfRange(ttlMs));
  if ("problems" in encoded || problems.length > 0) return { problems };
  const { resource } = encoded;
  // Another time to live is other content: a client has to hear of it.
  return { resource: { ...resource, version: versionOf(`${resource.version} ${ttlMs}`, digest), ttlMs } };
}

function unsafe({ typeUrl, name }: Resource): Problem {
  const message = `${shortTypeName(typeUrl)} ${JSON.stringify(name)} must not expire: Envoy does not survive it, or keeps it`;
  return {
    path: ["ttlMs"],
    message,
    hint: "give a time to live to runtime layers and extension configs only",
    code: "unsafe-ttl",
  };
}

function outOfRange(ttlMs: unknown): Problem {
  const message = `a time to live is a whole number of milliseconds from ${TTL_MS.least} to ${TTL_MS.most}, not ${String(ttlMs)}`;
  return { path: ["ttlMs"], message, code: "out-of-range" };
}

function isExpiring(input: ResourceInput): input is ExpiringResource {
  if (typeof input !== "object" || input === null || "@type" in input || !("ttlMs" in input)) return false;
  const { resource } = input as { readonly resource?: unknown };
  return typeof resource === "object" && resource !== null;
}

function isEncoded(input: LastingResource): input is EncodedResource {
  return (
    typeof input === "object" &&
    input !== null &&
    input["bytes"] instanceof Uint8Array &&
    typeof input["typeUrl"] === "string" &&
    typeof input["name"] === "string"
  );
}
