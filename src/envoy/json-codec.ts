import type { DescMessage, FileRegistry } from "@bufbuild/protobuf";
import type { Problem } from "../core/failure/problem.ts";
import type { Digest, Reference, Resource } from "../core/resource/resource.ts";
import { CanonicalBytes } from "./canonical-bytes.ts";
import { readMessage } from "./canonical-json.ts";
import type { Codec } from "./codec.ts";
import { wrongType } from "./complaints.ts";
import { Constraints } from "./constraints.ts";
import { JsonDecoder } from "./decode-json.ts";
import { encodedResource } from "./encoded-resource.ts";
import { isObject } from "./json-kinds.ts";
import { Reading } from "./reading.ts";
import { nameFieldOf, openRegistry, typeNameOf, typeUrlOf, wordsOf } from "./registry.ts";
import { unknownType } from "./well-known-json.ts";

/** What a codec is made of: a serialised FileDescriptorSet, the name of what it came from, and the hash for versions. */
export interface CodecSource {
  readonly set: Uint8Array;
  readonly envoyVersion: string;
  readonly digest: Digest;
}

/** A codec for the API in this set. A set that cannot be read is a ControlError; what is given to the codec never throws. */
export function createCodec({ set, envoyVersion, digest }: CodecSource): Codec {
  return new JsonCodec(openRegistry(set), envoyVersion, digest);
}

interface Checked {
  readonly canonical: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
  readonly refs: readonly Reference[];
}

type Problems = { readonly problems: readonly Problem[] };

class JsonCodec implements Codec {
  readonly envoyVersion: string;
  readonly #registry: FileRegistry;
  readonly #digest: Digest;
  readonly #decoder: JsonDecoder;
  readonly #constraints: Constraints;
  readonly #bytes: CanonicalBytes;

  constructor(registry: FileRegistry, envoyVersion: string, digest: Digest) {
    this.envoyVersion = envoyVersion;
    this.#registry = registry;
    this.#digest = digest;
    this.#decoder = new JsonDecoder(registry);
    this.#constraints = new Constraints(registry);
    this.#bytes = new CanonicalBytes(registry);
  }

  encode(json: unknown): { readonly resource: Resource } | Problems {
    const reading = new Reading(this.#registry, this.envoyVersion, this.#constraints);
    try {
      return this.#encode(reading, json) ?? { problems: reading.problems };
    } catch (error) {
      return { problems: unreadable(reading, error) };
    }
  }

  #encode(reading: Reading, json: unknown): { readonly resource: Resource } | Problems | undefined {
    const message = this.#typeOf(reading, json);
    const nameField = message === undefined ? undefined : resourceName(reading, message);
    if (message === undefined || nameField === undefined) return undefined;
    const checked = this.#check(reading, message, json);
    const name = checked?.canonical[nameField];
    if (checked === undefined || typeof name !== "string" || name === "") {
      return { problems: withoutName(reading, json, nameField) };
    }
    const { bytes, refs } = checked;
    return encodedResource({ typeUrl: typeUrlOf(message), name, bytes, refs }, this.#digest, nameField);
  }

  check(typeUrl: string, json: unknown): readonly Problem[] {
    const reading = new Reading(this.#registry, this.envoyVersion, this.#constraints);
    const message = this.#registry.getMessage(typeNameOf(typeUrl));
    try {
      if (message === undefined) unknownType(reading, typeUrl);
      else this.#check(reading, message, json);
      return reading.problems;
    } catch (error) {
      return unreadable(reading, error);
    }
  }

  decode(typeUrl: string, bytes: Uint8Array): Readonly<Record<string, unknown>> {
    return this.#decoder.decode(typeUrl, bytes);
  }

  decodeRedacted(typeUrl: string, bytes: Uint8Array): Readonly<Record<string, unknown>> {
    return this.#decoder.decodeRedacted(typeUrl, bytes);
  }

  hasField(message: string, field: string): boolean {
    return this.#registry.getMessage(message)?.fields.some(({ name }) => name === field) ?? false;
  }

  #typeOf(reading: Reading, json: unknown): DescMessage | undefined {
    if (!isObject(json)) return reading.complain(wrongType("an object with @type", json));
    const typeUrl = json["@type"];
    if (typeof typeUrl === "string") {
      return this.#registry.getMessage(typeNameOf(typeUrl)) ?? unknownType(reading, typeUrl);
    }
    const hint = "such as type.googleapis.com/envoy.config.cluster.v3.Cluster";
    return reading.complain({ message: "lacks @type, which says what resource it is", hint, code: "missing-type" });
  }

  #check(reading: Reading, message: DescMessage, json: unknown): Checked | undefined {
    const canonical = readMessage(reading, message, json, "@type");
    if (reading.problems.length > 0 || !isObject(canonical)) return undefined;
    const bytes = this.#bytes.write(message, canonical);
    return { canonical, bytes, refs: reading.references?.sorted() ?? [] };
  }
}

/** What is given may throw when it is looked at (a getter, a Proxy): that is a problem of what was given. */
function unreadable(reading: Reading, error: unknown): readonly Problem[] {
  reading.complain({ message: `cannot be encoded: ${wordsOf(error)}`, code: "not-encodable" });
  return reading.problems;
}

function resourceName(reading: Reading, message: DescMessage): string | undefined {
  const field = nameFieldOf(message);
  if (field !== undefined) return field.name;
  reading.enter("@type");
  const what = `${message.typeName} is no resource that can be served`;
  reading.complain({ message: what, hint: "it has no name of its own", code: "not-a-resource" });
  reading.leave();
  return undefined;
}

/** Everything that was found, and the missing name where that is among it: in these words, not as a broken rule. */
function withoutName(reading: Reading, json: unknown, nameField: string): readonly Problem[] {
  if (!isObject(json) || isNamed(json, nameField)) return reading.problems;
  const spellings: readonly unknown[] = [nameField, camelCase(nameField)];
  const others = reading.problems.filter(
    ({ path, code }) => code !== "broken-rule" || path.length !== 1 || !spellings.includes(path[0]),
  );
  const message = "is missing: a resource is asked for by its name";
  return [...others, { path: [nameField], message, code: "missing-name" }];
}

function camelCase(name: string): string {
  return name === "cluster_name" ? "clusterName" : name;
}

function isNamed(json: Readonly<Record<string, unknown>>, nameField: string): boolean {
  const name = json[nameField] ?? json[camelCase(nameField)];
  return name !== undefined && name !== null && name !== "";
}
