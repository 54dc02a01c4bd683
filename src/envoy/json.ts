import type { Codec } from "./codec.ts";

/** Envoy's JSON, with the names of the protos. */
export type Json = { readonly [key: string]: unknown };

/** Milliseconds as a protobuf Duration in JSON: `1500` is `"1.5s"`. */
export function duration(ms: number): string {
  return `${ms / 1000}s`;
}

/** `{address: {socket_address: …}}`, as listeners and endpoints have it. */
export function socketAddress(host: string, port: number): Json {
  return { socket_address: { address: host, port_value: port } };
}

/** The fields that the schema at hand has; an older Envoy's lacks some, and would refuse or drop them. */
export function known(codec: Codec, message: string, fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => codec.hasField(message, field)));
}
