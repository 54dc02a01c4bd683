import {
  createFileRegistry,
  type DescField,
  type DescMessage,
  type FileRegistry,
  fromBinary,
} from "@bufbuild/protobuf";
import { type DescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ControlError } from "../core/failure/control-error.ts";
import { TYPE_URL_PREFIX } from "../core/resource/type-url.ts";

/** The types of a serialised FileDescriptorSet. Bytes that are none, or a set that lacks an import, are a ControlError. */
export function openRegistry(set: Uint8Array): FileRegistry {
  try {
    const files = fromBinary(FileDescriptorSetSchema, set);
    for (const file of files.file) for (const message of file.messageType) completeNames(message);
    const registry = createFileRegistry(files);
    if (registry.getMessage("envoy.config.cluster.v3.Cluster") !== undefined) return registry;
  } catch (error) {
    throw new ControlError("invalid", `the descriptor set cannot be read: ${wordsOf(error)}`, { cause: error });
  }
  throw new ControlError(
    "invalid",
    "the descriptor set lacks Envoy's API: envoy.config.cluster.v3.Cluster is not in it",
  );
}

/** Most files that stand in an Envoy binary leave out the second spelling of their fields, which follows from the first. */
function completeNames(message: DescriptorProto): void {
  for (const field of message.field) {
    if (field.jsonName === "") field.jsonName = field.name.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase());
  }
  for (const nested of message.nestedType) completeNames(nested);
}

/** `envoy.config.cluster.v3.Cluster`; a bare name is taken as it is. */
export function typeNameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

/** The one spelling of a type URL that Envoy compares with. */
export function typeUrlOf(message: DescMessage): string {
  return TYPE_URL_PREFIX + message.typeName;
}

/**
 * The field that names a resource of this type: `name`, or `cluster_name` for endpoints. What is no message of Envoy's
 * or has neither cannot be served.
 */
export function nameFieldOf(message: DescMessage): DescField | undefined {
  const known = nameFields.get(message) ?? findNameField(message);
  if (known !== undefined) nameFields.set(message, known);
  return known;
}

const nameFields = new WeakMap<DescMessage, DescField>();

function findNameField(message: DescMessage): DescField | undefined {
  if (!message.typeName.startsWith("envoy.")) return undefined;
  const named = (name: string): DescField | undefined =>
    message.fields.find((field) => field.name === name && field.fieldKind === "scalar");
  return named("name") ?? named("cluster_name");
}

/** What an error says, whatever was thrown. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
