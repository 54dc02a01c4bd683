/** How fast new streams are taken. */
export interface AdmissionLimits {
  /** So many are taken at once: a fleet that comes back after a restart. */
  readonly burst: number;
  /** And so many a second beyond those. */
  readonly perSecond: number;
  /** So many may wait for that; whoever comes then is refused, and comes again later. */
  readonly waiting: number;
}

/** A token bucket with a queue in front of it, as a value (P72). */
export interface Admission {
  /** Streams that may be taken now; a part of one grows into a whole one. */
  readonly tokens: number;
  /** When there were so many, in milliseconds. */
  readonly at: number;
  readonly waiting: number;
}

/** A bucket that is full. */
export function openAdmission({ burst }: AdmissionLimits, now: number): Admission {
  return { tokens: burst, at: now, waiting: 0 };
}

/** What becomes of a stream that has just come. Nobody passes those that wait. */
export function admit(
  before: Admission,
  now: number,
  limits: AdmissionLimits,
): { readonly admission: Admission; readonly verdict: "take" | "wait" | "refuse" } {
  const admission = refilled(before, now, limits);
  const { tokens, waiting } = admission;
  if (waiting === 0 && tokens >= 1) return { admission: { ...admission, tokens: tokens - 1 }, verdict: "take" };
  if (waiting >= limits.waiting) return { admission, verdict: "refuse" };
  return { admission: { ...admission, waiting: waiting + 1 }, verdict: "wait" };
}

/** How many of those that wait are taken now, and in how many milliseconds the next one may be; undefined: none waits. */
export function release(
  before: Admission,
  now: number,
  limits: AdmissionLimits,
): { readonly admission: Admission; readonly count: number; readonly nextMs: number | undefined } {
  const { tokens, at, waiting } = refilled(before, now, limits);
  const count = Math.min(waiting, Math.floor(tokens));
  const admission = { tokens: tokens - count, at, waiting: waiting - count };
  if (admission.waiting === 0) return { admission, count, nextMs: undefined };
  return { admission, count, nextMs: Math.ceil(((1 - admission.tokens) * 1_000) / limits.perSecond) };
}

/** One that waited has gone away by itself. */
export function giveUp(admission: Admission): Admission {
  return { ...admission, waiting: admission.waiting - 1 };
}

function refilled({ tokens, at, waiting }: Admission, now: number, limits: AdmissionLimits): Admission {
  const grown = tokens + (Math.max(0, now - at) * limits.perSecond) / 1_000;
  return { tokens: Math.min(limits.burst, grown), at: now, waiting };
}
