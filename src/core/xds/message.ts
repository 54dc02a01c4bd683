import type { Resource } from "../resource/resource.ts";

export type Dialect = "sotw" | "delta";

/** Why a client refused a response: `error_detail` of its request. Its presence alone makes a NACK (xds pitfalls P01, P02). */
export interface ErrorDetail {
  readonly code: number;
  readonly message: string;
}

/** A DiscoveryRequest, without `node`. */
export interface SotwRequest {
  readonly typeUrl: string;
  readonly versionInfo: string;
  readonly names: readonly string[];
  readonly nonce: string;
  readonly error?: ErrorDetail;
}

/** A DeltaDiscoveryRequest, without `node`. */
export interface DeltaRequest {
  readonly typeUrl: string;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** What the client has, by name; only looked at in the first request of a type. */
  readonly initialVersions: ReadonlyMap<string, string>;
  readonly nonce: string;
  readonly error?: ErrorDetail;
}

/** A resource as a response says it. */
export interface SentResource extends Resource {
  /** Delta: names that were asked for and stand for it. */
  readonly aliases?: readonly string[];
  /** Delta: only its name, version and aliases are said. */
  readonly isBodiless?: true;
}

/** A response in either dialect. In SotW `removed` is always empty: absence says it. */
export interface Response {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly version: string;
  readonly resources: readonly SentResource[];
  readonly removed: readonly string[];
}

/** What a client's request meant, for whoever watches the stream. */
export type StreamEvent =
  | { readonly kind: "acked"; readonly typeUrl: string; readonly version: string; readonly nonce: string }
  | {
      readonly kind: "refused";
      readonly typeUrl: string;
      readonly version: string;
      readonly nonce: string;
      readonly error: ErrorDetail;
      /** Everything that the refused response changed or removed: its content in force is not known now. */
      readonly names: readonly string[];
    }
  | { readonly kind: "repaired"; readonly typeUrl: string };
