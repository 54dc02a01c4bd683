import type { DescEnum, DescField, DescMessage, FileRegistry, Message } from "@bufbuild/protobuf";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { DescriptorProto, EnumDescriptorProto, FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import {
  EnumOptionsSchema,
  EnumValueOptionsSchema,
  FieldOptionsSchema,
  FileDescriptorSetSchema,
  MessageOptionsSchema,
  OneofOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { openRegistry } from "./registry.ts";

/** What Belay compiles meshes to, and what stands beside it most often. One more here costs a start about a millisecond. */
const USUAL = [
  "envoy.config.cluster.v3.Cluster",
  "envoy.config.endpoint.v3.ClusterLoadAssignment",
  "envoy.config.listener.v3.Listener",
  "envoy.config.route.v3.RouteConfiguration",
  "envoy.extensions.filters.http.router.v3.Router",
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
  "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
  "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
  "envoy.extensions.transport_sockets.tls.v3.Secret",
  "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
];

/** The options of fields and oneofs that a codec reads. */
const READ = ["validate.rules", "validate.required", "udpa.annotations.sensitive"];

const NONE: ReadonlySet<number> = new Set();

/**
 * Of a FileDescriptorSet the usual messages and all that these are made of, in the order of the set, with the options that
 * a codec reads. For a process that serves, each field of each message is memory that it never gives back.
 */
export function usualPart(set: Uint8Array): Uint8Array {
  const registry = openRegistry(set);
  const part = new Part(registry);
  const all = fromBinary(FileDescriptorSetSchema, set);
  all.file = all.file.filter((file) => part.prune(file));
  const kept = new Set(all.file.map(({ name }) => name));
  for (const file of all.file) {
    file.dependency = file.dependency.filter((name) => kept.has(name));
    // These count places in the list of dependencies, which is another now; nothing reads them.
    file.publicDependency = [];
    file.weakDependency = [];
  }
  return toBinary(FileDescriptorSetSchema, all);
}

class Part {
  /** Names of messages and enums. */
  readonly #types = new Set<string>();
  readonly #options = new Set<number>();

  constructor(registry: FileRegistry) {
    for (const name of USUAL) this.#need(registry.getMessage(name));
    for (const name of READ) {
      const option = registry.getExtension(name);
      if (option === undefined) continue;
      this.#options.add(option.number);
      this.#need(option.extendee);
      this.#need(option.message);
    }
  }

  #need(type: DescMessage | DescEnum | undefined): void {
    if (type === undefined || this.#types.has(type.typeName)) return;
    this.#types.add(type.typeName);
    this.#need(type.parent);
    const fields: readonly DescField[] = type.kind === "message" ? type.fields : [];
    for (const field of fields) this.#need(field.message ?? field.enum);
  }

  /** Takes out of a file what is not needed; is anything left? */
  prune(file: FileDescriptorProto): boolean {
    const scope = file.package === "" ? "" : `${file.package}.`;
    if (file.options?.features === undefined) delete file.options;
    file.service = [];
    file.extension = file.extension.filter(({ name }) => READ.includes(scope + name));
    file.messageType = this.#messages(file.messageType, scope);
    file.enumType = this.#enums(file.enumType, scope);
    return file.extension.length + file.messageType.length + file.enumType.length > 0;
  }

  #messages(messages: readonly DescriptorProto[], scope: string): DescriptorProto[] {
    // What a map is made of has no name of its own in a registry.
    const needed = messages.filter(({ name, options }) => options?.mapEntry || this.#types.has(scope + name));
    for (const message of needed) {
      const inner = `${scope}${message.name}.`;
      message.extension = [];
      message.nestedType = this.#messages(message.nestedType, inner);
      message.enumType = this.#enums(message.enumType, inner);
      keepOptions(message, MessageOptionsSchema, NONE);
      for (const field of message.field) keepOptions(field, FieldOptionsSchema, this.#options);
      for (const oneof of message.oneofDecl) keepOptions(oneof, OneofOptionsSchema, this.#options);
    }
    return needed;
  }

  #enums(enums: readonly EnumDescriptorProto[], scope: string): EnumDescriptorProto[] {
    const needed = enums.filter(({ name }) => this.#types.has(scope + name));
    for (const type of needed) {
      keepOptions(type, EnumOptionsSchema, NONE);
      for (const value of type.value) keepOptions(value, EnumValueOptionsSchema, NONE);
    }
    return needed;
  }
}

/** Of extensions only these stay; what protobuf defines itself stays as it is. */
function keepOptions<O extends Message>(
  of: { options?: O | undefined },
  schema: GenMessage<O>,
  extensions: ReadonlySet<number>,
): void {
  const { options } = of;
  if (options === undefined) return;
  options.$unknown = (options.$unknown ?? []).filter(({ no }) => extensions.has(no));
  if (toBinary(schema, options).length === 0) delete of.options;
}
