import type { Buffer } from "node:buffer";
import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { GrpcError, STATUS } from "./status.ts";

/** Makes a message readable; at most so many bytes come out of it. */
export type Decompress = (bytes: Buffer, maxBytes: number) => Promise<Buffer>;

/** What requests may be compressed with, for the header `grpc-accept-encoding`. Responses never are. */
export const ACCEPTED_ENCODINGS = "identity,gzip,deflate";

const METHODS: Readonly<Record<string, Decompress | undefined>> = {
  gzip: decompressorOf(promisify(gunzip)),
  deflate: decompressorOf(promisify(inflate)),
};

/**
 * How compressed messages of a call are read, from its header `grpc-encoding`; undefined where it names none.
 *
 * @throws GrpcError for an encoding that this server does not know
 */
export function decompressOf(encoding: string | undefined): Decompress | undefined {
  if (encoding === undefined || encoding === "identity") return undefined;
  const method = Object.hasOwn(METHODS, encoding) ? METHODS[encoding] : undefined;
  if (method !== undefined) return method;
  throw new GrpcError(
    STATUS.unimplemented,
    `messages cannot be read in the encoding ${JSON.stringify(encoding)}; use one of ${ACCEPTED_ENCODINGS}`,
  );
}

type Unpack = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

/** In the thread pool: a message that becomes thousands of times as long keeps nobody else waiting. */
function decompressorOf(unpack: Unpack): Decompress {
  return async (bytes, maxBytes) => {
    try {
      return await unpack(bytes, { maxOutputLength: maxBytes });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "ERR_BUFFER_TOO_LARGE") {
        throw new GrpcError(STATUS.resourceExhausted, `a message is longer than ${maxBytes} bytes once decompressed`);
      }
      const why = error instanceof Error ? error.message : String(error);
      throw new GrpcError(STATUS.internal, `a compressed message cannot be read: ${why}`);
    }
  };
}
