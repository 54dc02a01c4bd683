import { GrpcError, STATUS } from "./status.ts";

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** Longer than this no timer can wait, in milliseconds: 24 days. */
const LONGEST_MS = 2_147_483_647;

/**
 * How long a client waits for its call, from the header `grpc-timeout`, in milliseconds; undefined: for ever.
 *
 * @throws GrpcError for a header that is not at most eight digits and a unit
 */
export function timeoutOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? [];
  if (digits === undefined || unit === undefined) {
    throw new GrpcError(STATUS.internal, `the header grpc-timeout cannot be read: ${JSON.stringify(header)}`);
  }
  return Math.min(LONGEST_MS, Math.ceil(Number(digits) * (UNIT_MS[unit] as number)));
}
