import type { DeltaRequest, ErrorDetail, SotwRequest } from "../core/xds/message.ts";
import { RepeatedRuns } from "./repeated.ts";
import { bytesTag, WireReader } from "./wire.ts";

/** A request, and the bytes of its node, which are looked into only where somebody wants to know. */
export interface Read<R> {
  readonly request: R;
  /** Undefined where the request carries none. */
  readonly node: Buffer | undefined;
}

/** Tags of the envelope (`proto/envoy/service/discovery/v3/discovery.proto`). */
const SOTW = { version: bytesTag(1), node: bytesTag(2), names: bytesTag(3), typeUrl: bytesTag(4), nonce: bytesTag(5) };
const SOTW_ERROR = bytesTag(6);
const SOTW_LOCATORS = bytesTag(7);
const DELTA = { node: bytesTag(1), typeUrl: bytesTag(2), subscribe: bytesTag(3), unsubscribe: bytesTag(4) };
const DELTA_VERSIONS = bytesTag(5);
const DELTA_NONCE = bytesTag(6);
const DELTA_ERROR = bytesTag(7);
const DELTA_LOCATORS = { subscribe: bytesTag(8), unsubscribe: bytesTag(9) };

/** Bytes of a client's words about a refusal that are read: an Envoy cuts them at 4,096. */
const ERROR_BYTES = 16_384;

/** Bytes of a version that is read: longer ones are none that this server gives, and stay different from all that are. */
const VERSION_BYTES = 1_024;

const NO_NAMES: readonly string[] = [];
const NO_VERSIONS: ReadonlyMap<string, string> = new Map();

/** Reads requests of all streams of a server: an ACK costs a few hundred nanoseconds, however many names it repeats. */
export class RequestReader {
  readonly #names = new RepeatedRuns<readonly string[]>();
  readonly #versions = new RepeatedRuns<ReadonlyMap<string, string>>();

  /** @throws GrpcError (INVALID_ARGUMENT) for bytes that are no DiscoveryRequest */
  sotw(bytes: Buffer): Read<SotwRequest> {
    const reader = new WireReader(bytes);
    let typeUrl = "";
    let versionInfo = "";
    let nonce = "";
    let names = NO_NAMES;
    let node: Buffer | undefined;
    let error: ErrorDetail | undefined;
    for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
      if (tag === SOTW.names) names = this.#list(reader, names);
      else if (tag === SOTW.typeUrl) typeUrl = reader.text();
      else if (tag === SOTW.version) versionInfo = reader.text();
      else if (tag === SOTW.nonce) nonce = reader.text();
      else if (tag === SOTW.node) node = nonEmpty(reader.view());
      else if (tag === SOTW_ERROR) error = readError(reader.message());
      else if (tag === SOTW_LOCATORS) names = [...names, readLocator(reader.message())];
      else reader.skip(tag);
    }
    const request = { typeUrl, versionInfo, names, nonce };
    return { request: error === undefined ? request : { ...request, error }, node };
  }

  /** @throws GrpcError (INVALID_ARGUMENT) for bytes that are no DeltaDiscoveryRequest */
  delta(bytes: Buffer): Read<DeltaRequest> {
    const reader = new WireReader(bytes);
    let typeUrl = "";
    let nonce = "";
    let subscribe = NO_NAMES;
    let unsubscribe = NO_NAMES;
    let initialVersions = NO_VERSIONS;
    let node: Buffer | undefined;
    let error: ErrorDetail | undefined;
    for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
      if (tag === DELTA.typeUrl) typeUrl = reader.text();
      else if (tag === DELTA_NONCE) nonce = reader.text();
      else if (tag === DELTA.subscribe) subscribe = this.#list(reader, subscribe);
      else if (tag === DELTA.unsubscribe) unsubscribe = this.#list(reader, unsubscribe);
      else if (tag === DELTA_VERSIONS) initialVersions = this.#map(reader, initialVersions);
      else if (tag === DELTA.node) node = nonEmpty(reader.view());
      else if (tag === DELTA_ERROR) error = readError(reader.message());
      else if (tag === DELTA_LOCATORS.subscribe) subscribe = [...subscribe, readLocator(reader.message())];
      else if (tag === DELTA_LOCATORS.unsubscribe) unsubscribe = [...unsubscribe, readLocator(reader.message())];
      else reader.skip(tag);
    }
    const request = { typeUrl, subscribe, unsubscribe, initialVersions, nonce };
    return { request: error === undefined ? request : { ...request, error }, node };
  }

  /** The names from here on; `before` are those in front of another field. */
  #list(reader: WireReader, before: readonly string[]): readonly string[] {
    const { bytes, end } = reader;
    // The tag has one byte.
    const from = reader.at - 1;
    const known = this.#names.find(bytes, from, end);
    if (known !== undefined) {
      reader.at = known.end;
      return before.length === 0 ? known.value : [...before, ...known.value];
    }
    const names: string[] = [];
    do names.push(reader.text());
    while (isNext(reader, from));
    this.#names.remember(bytes, from, reader.at, names);
    return before.length === 0 ? names : [...before, ...names];
  }

  #map(reader: WireReader, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    const { bytes, end } = reader;
    const from = reader.at - 1;
    const known = this.#versions.find(bytes, from, end);
    if (known !== undefined) {
      reader.at = known.end;
      return before.size === 0 ? known.value : new Map([...before, ...known.value]);
    }
    const versions = new Map<string, string>();
    do readEntry(reader.message(), versions);
    while (isNext(reader, from));
    this.#versions.remember(bytes, from, reader.at, versions);
    return before.size === 0 ? versions : new Map([...before, ...versions]);
  }
}

/** Does another entry with the tag at `first` follow? Then its value is next. */
function isNext(reader: WireReader, first: number): boolean {
  if (reader.at >= reader.end || reader.bytes[reader.at] !== reader.bytes[first]) return false;
  reader.at += 1;
  return true;
}

/** An entry of a map from text to text. */
function readEntry(entry: WireReader, into: Map<string, string>): void {
  let key = "";
  let value = "";
  for (let tag = entry.next(); tag !== 0; tag = entry.next()) {
    if (tag === bytesTag(1)) key = entry.text();
    else if (tag === bytesTag(2)) value = entry.head(VERSION_BYTES);
    else entry.skip(tag);
  }
  into.set(key, value);
}

/**
 * The name in an envoy.service.discovery.v3.ResourceLocator: whoever asks by these alone must not be taken for one who asks
 * for everything. Its dynamic parameters are ignored (U11).
 */
function readLocator(locator: WireReader): string {
  let name = "";
  for (let tag = locator.next(); tag !== 0; tag = locator.next()) {
    if (tag === bytesTag(1)) name = locator.text();
    else locator.skip(tag);
  }
  return name;
}

/** A google.rpc.Status. */
function readError(status: WireReader): ErrorDetail {
  let code = 0;
  let message = "";
  for (let tag = status.next(); tag !== 0; tag = status.next()) {
    if (tag === 1 << 3) code = status.varint() | 0;
    else if (tag === bytesTag(2)) message = status.head(ERROR_BYTES);
    else status.skip(tag);
  }
  return { code, message };
}

function nonEmpty(bytes: Buffer): Buffer | undefined {
  return bytes.length === 0 ? undefined : bytes;
}
