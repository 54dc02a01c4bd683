import protobuf from "protobufjs/minimal.js";
import type { Resource } from "../core/resource/resource.ts";
import type { Dialect, Response } from "../core/xds/message.ts";

/** Field numbers of the envelope (`proto/envoy/service/discovery/v3/discovery.proto`); all are length-delimited. */
const FIELD = { version: 1, resources: 2, typeUrl: 4, nonce: 5, sotwControlPlane: 6, removed: 6, deltaControlPlane: 7 };

/** The bytes of a response. What is the same for every stream was encoded when the first one asked for it. */
export function responseBytes(dialect: Dialect, response: Response, controlPlane: string): Buffer {
  const writer = protobuf.Writer.create();
  text(writer, FIELD.version, response.version);
  const wrap = dialect === "sotw" ? anyBytes : resourceBytes;
  for (const resource of response.resources) tag(writer, FIELD.resources).bytes(wrap(resource));
  text(writer, FIELD.typeUrl, response.typeUrl);
  text(writer, FIELD.nonce, response.nonce);
  for (const name of response.removed) text(writer, FIELD.removed, name);
  const identifier = text(protobuf.Writer.create(), 1, controlPlane).finish();
  tag(writer, dialect === "sotw" ? FIELD.sotwControlPlane : FIELD.deltaControlPlane).bytes(identifier);
  return writer.finish() as Buffer;
}

const anys = new WeakMap<Resource, Uint8Array>();
const wrappers = new WeakMap<Resource, Uint8Array>();

/** The resource as a google.protobuf.Any. */
function anyBytes(resource: Resource): Uint8Array {
  const known = anys.get(resource);
  if (known !== undefined) return known;
  const writer = text(protobuf.Writer.create(), 1, resource.typeUrl);
  const bytes = tag(writer, 2).bytes(resource.bytes).finish();
  anys.set(resource, bytes);
  return bytes;
}

/** The resource as an envoy.service.discovery.v3.Resource. */
function resourceBytes(resource: Resource): Uint8Array {
  const known = wrappers.get(resource);
  if (known !== undefined) return known;
  const writer = text(protobuf.Writer.create(), 1, resource.version);
  tag(writer, 2).bytes(anyBytes(resource));
  const bytes = text(writer, 3, resource.name).finish();
  wrappers.set(resource, bytes);
  return bytes;
}

function tag(writer: protobuf.Writer, field: number): protobuf.Writer {
  return writer.uint32((field << 3) | 2);
}

function text(writer: protobuf.Writer, field: number, value: string): protobuf.Writer {
  return value === "" ? writer : tag(writer, field).string(value);
}
