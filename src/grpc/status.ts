/** Status codes of gRPC that this server ends calls with. */
export const STATUS = {
  ok: 0,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** How a call ended: a code of gRPC, and a sentence for whoever reads the client's log. */
export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
}

/** A call that cannot go on; it ends with this status. Thrown while its bytes are read, and never leaves the call. */
export class GrpcError extends Error {
  readonly status: GrpcStatus;

  constructor(code: number, message: string) {
    super(message);
    this.name = "GrpcError";
    this.status = { code, message };
  }
}

/** Clients have limits for headers; a refusal's text may be long. */
const MAX_MESSAGE_BYTES = 4_096;

/** The trailers of a call that ended so. */
export function trailersOf(status: GrpcStatus): Record<string, string> {
  const code = { "grpc-status": String(status.code) };
  return status.message === "" ? code : { ...code, "grpc-message": percentEncoded(status.message) };
}

/** The form of `grpc-message`: UTF-8, of which everything but printable ASCII, and the percent sign, is %XX. */
export function percentEncoded(message: string): string {
  let encoded = "";
  for (const byte of Buffer.from(message, "utf8").subarray(0, MAX_MESSAGE_BYTES)) {
    if (byte >= 0x20 && byte <= 0x7e && byte !== 0x25) encoded += String.fromCharCode(byte);
    else encoded += `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
