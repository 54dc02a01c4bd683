import type { Problem } from "../core/failure/problem.ts";
import type { Resource } from "../core/resource/resource.ts";

/** Envoy's API, as some Envoy has it: what turns a human's JSON into the bytes that Envoy reads, and back. */
export interface Codec {
  /** `1.40.0`, or what stands in its place (`npm 1.14.1`) where the set was not read out of an Envoy. */
  readonly envoyVersion: string;
  /**
   * One Envoy resource from its JSON with `@type` (camelCase or the proto's names). Strict: unknown fields, wrong types,
   * values out of range and broken `validate.rules` are problems with the path of the field. Deterministic: equal content
   * gives equal bytes whatever the order of keys.
   */
  encode(json: unknown): { readonly resource: Resource } | { readonly problems: readonly Problem[] };
  /** Any message of the set, e.g. a bootstrap: checked, not wrapped as a resource. */
  check(typeUrl: string, json: unknown): readonly Problem[];
  /** Envoy's JSON (the proto's names, `@type` first) of bytes; unknown Anys become `{"@type", "value": base64}`. */
  decode(typeUrl: string, bytes: Uint8Array): Readonly<Record<string, unknown>>;
  /** The same with everything that is marked sensitive replaced by `[redacted]`. */
  decodeRedacted(typeUrl: string, bytes: Uint8Array): Readonly<Record<string, unknown>>;
  /** Does the schema have this field? `hasField("envoy.config.route.v3.WeightedCluster", "use_hash_policy")` */
  hasField(message: string, field: string): boolean;
}
