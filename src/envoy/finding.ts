import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { Finding } from "../core/resource/resource.ts";
import { ROUTES, VIRTUAL_HOST } from "../core/resource/type-url.ts";

/** Field numbers of envoy.config.route.v3. */
const HOST_DOMAINS = 2;
const ROUTES_VHDS = 9;
const ROUTES_IGNORE_PORT = 14;

/**
 * What virtual hosts and their routes are found by, read out of their bytes, for a program may give these itself. Undefined
 * for every other type, for routes that have all their virtual hosts in them, and for bytes that are no such message.
 */
export function findingIn(typeUrl: string, bytes: Uint8Array): Finding | undefined {
  if (typeUrl !== VIRTUAL_HOST && typeUrl !== ROUTES) return undefined;
  try {
    return typeUrl === VIRTUAL_HOST ? ofHost(bytes) : ofRoutes(bytes);
  } catch {
    return undefined;
  }
}

function ofHost(bytes: Uint8Array): Finding {
  const domains: string[] = [];
  eachField(bytes, (field, wireType, reader) => {
    if (field !== HOST_DOMAINS || wireType !== WireType.LengthDelimited) return false;
    domains.push(reader.string().toLowerCase());
    return true;
  });
  return { kind: "virtual-host", domains };
}

function ofRoutes(bytes: Uint8Array): Finding | undefined {
  let isOnDemand = false;
  let ignoresPorts = false;
  eachField(bytes, (field, wireType, reader) => {
    if (field === ROUTES_VHDS) isOnDemand = true;
    if (field !== ROUTES_IGNORE_PORT || wireType !== WireType.Varint) return false;
    ignoresPorts = reader.bool();
    return true;
  });
  return isOnDemand ? { kind: "on-demand-routes", ignoresPorts } : undefined;
}

/** Calls for each field; `read` says whether it has read the value. */
function eachField(bytes: Uint8Array, read: (field: number, type: WireType, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (!read(field, wireType, reader)) reader.skip(wireType, field);
  }
}
