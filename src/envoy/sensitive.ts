import { type DescField, type FileRegistry, hasOption } from "@bufbuild/protobuf";
import { emptyObject, isObject } from "./json-kinds.ts";

/** Stands where a secret stood. */
export const REDACTED = "[redacted]";

const SENSITIVE = "udpa.annotations.sensitive";

/** The fields that Envoy's API marks as secrets. What such a field holds is a secret as a whole. */
export function sensitiveFields(registry: FileRegistry): ReadonlySet<DescField> {
  const mark = registry.getExtension(SENSITIVE);
  if (mark === undefined) return new Set();
  const fields = [...registry].flatMap((type) => (type.kind === "message" ? type.fields : []));
  return new Set(fields.filter((field) => hasOption(field, mark)));
}

/** Names under which secrets travel that no schema marks: headers, and keys of free-form structures. */
const SECRET_NAME =
  /authorization|cookie|password|passwd|passphrase|secret|credential|private.?key|api.?key|auth.?key|token(?!.*(?:count|bucket|per))/i;

/** Is this the name of something whose value must not be shown? Rather one too many than one too few. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** A free-form structure without the members that are secrets by their names. */
export function redactStruct(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(redactStruct);
  if (!isObject(json)) return json;
  const result = emptyObject();
  for (const [key, value] of Object.entries(json)) result[key] = isSecretName(key) ? REDACTED : redactStruct(value);
  return result;
}

/** One header of envoy.config.core.v3.HeaderValue; the schema marks none of them, not even `authorization`. */
export function redactHeader(header: Record<string, unknown>): Record<string, unknown> {
  const { key } = header;
  if (typeof key !== "string" || !isSecretName(key)) return header;
  for (const field of ["value", "raw_value"]) if (header[field] !== undefined) header[field] = REDACTED;
  return header;
}
