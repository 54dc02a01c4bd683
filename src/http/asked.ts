import { Refusal } from "./answer.ts";

/** Who asks when nobody says. */
const SOMEBODY = "http";
const KEY_LIMIT = 200;

interface AskedFields {
  readonly by: string;
  readonly reason: string;
  readonly idempotencyKey?: string;
  readonly dryRun?: boolean;
}

interface Said {
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

/** Who asks and why, out of the body and the headers of a mutation. */
export function askedBy(body: Said, request: Request): AskedFields {
  const key = request.headers.get("idempotency-key");
  if (key !== null && (key.length === 0 || key.length > KEY_LIMIT)) {
    throw new Refusal(400, "bad-header", `Idempotency-Key must have 1 to ${KEY_LIMIT} characters`);
  }
  const header = request.headers.get("x-belay-by")?.slice(0, KEY_LIMIT);
  return {
    by: body.by ?? (header === undefined || header === "" ? SOMEBODY : header),
    reason: body.reason ?? "",
    ...(key === null ? {} : { idempotencyKey: key }),
    ...(body.dryRun === true ? { dryRun: true } : {}),
  };
}
