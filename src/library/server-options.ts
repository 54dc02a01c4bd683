import type { Authorize } from "../control/access.ts";
import { LONGEST_TIMER_MS } from "../control/clock.ts";
import type { TlsMaterial } from "../control/tls.ts";
import type { OnNack } from "./on-nack.ts";
import { SnapshotCache } from "./snapshot-cache.ts";

/** How a server serves a cache. Times in milliseconds. `docs/library.md` has them in a table. */
export interface XdsServerOptions {
  readonly cache: SnapshotCache;
  /** A removed resource stays this long after the last reference to it was given up; 1 s. */
  readonly graceMs?: number;
  /** And at most this long, whatever refers to it; 5 s. */
  readonly holdMs?: number;
  /** What is done about content that a client refuses, for all types or by type URL; `"park"`. */
  readonly onNack?: OnNack | ((typeUrl: string) => OnNack);
  /** Shown by Envoy as `control_plane.identifier`. */
  readonly identifier?: string;
  /** How often Envoys that report their load do so; 10 s. */
  readonly loadReportMs?: number;
  /** Serves over TLS, with certificates of clients where there is a `clientCa`; without it in plain text. */
  readonly tls?: TlsMaterial;
  /** Decides who may have what, whatever the call; without it everybody may have everything that they ask for. */
  readonly authorize?: Authorize;
  /**
   * A stream that is older than about this is ended with OK, once nothing is on its way on it, so that its client opens
   * another, which a balancer may lead elsewhere; 30 min, 0: never. Streams differ by up to a fifth either way.
   */
  readonly streamAgeMs?: number;
  /** A client that takes nothing of a response for this long is given up; 60 s. */
  readonly stallMs?: number;
  /** Bytes that are written and have not left yet, over all streams; 128 MiB. */
  readonly maxUnsentBytes?: number;
  /** How fast new streams are taken: 10,000 at once, 1,000 a second beyond those, 10,000 may wait, the rest is refused. */
  readonly newStreams?: { readonly burst?: number; readonly perSecond?: number; readonly waiting?: number };
}

const TIME = { least: 0, most: LONGEST_TIMER_MS };
const SPAN = { least: 1, most: LONGEST_TIMER_MS };

/** Numbers that can be given, and from where to where. */
const RANGES = {
  graceMs: TIME,
  holdMs: TIME,
  streamAgeMs: TIME,
  loadReportMs: SPAN,
  stallMs: SPAN,
  maxUnsentBytes: { least: 1, most: Number.POSITIVE_INFINITY },
} as const;

const NEW_STREAM_RANGES = {
  burst: { least: 1, most: Number.POSITIVE_INFINITY },
  perSecond: { least: Number.MIN_VALUE, most: Number.POSITIVE_INFINITY },
  waiting: { least: 0, most: Number.POSITIVE_INFINITY },
} as const;

/**
 * Mistakes in a program are told when the server is made, and not by Envoys hours later.
 *
 * @throws RangeError with every option that cannot be
 */
export function checkOptions(options: XdsServerOptions): void {
  const mistakes: string[] = [];
  const { cache, authorize, newStreams } = options ?? {};
  if (!(cache instanceof SnapshotCache)) mistakes.push("cache must be a SnapshotCache");
  if (authorize !== undefined && typeof authorize !== "function") mistakes.push("authorize must be a function");
  mistakes.push(
    ...outOfRange(options ?? {}, RANGES, ""),
    ...outOfRange(newStreams ?? {}, NEW_STREAM_RANGES, "newStreams."),
  );
  if (mistakes.length > 0) throw new RangeError(`this XdsServer cannot be made: ${mistakes.join("; ")}`);
}

function outOfRange(
  given: object,
  ranges: Readonly<Record<string, { readonly least: number; readonly most: number }>>,
  prefix: string,
): string[] {
  const found: string[] = [];
  const values = new Map<string, unknown>(Object.entries(given));
  for (const [name, { least, most }] of Object.entries(ranges)) {
    const value = values.get(name);
    if (value === undefined || (typeof value === "number" && value >= least && value <= most)) continue;
    const range =
      most === LONGEST_TIMER_MS
        ? `from ${least} to ${most} milliseconds`
        : least > 0
          ? "a positive number"
          : "0 or more";
    found.push(`${prefix}${name} must be ${range}, not ${said(value)}`);
  }
  return found;
}

/** For people; NaN is no JSON. */
function said(value: unknown): string {
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? typeof value);
}
