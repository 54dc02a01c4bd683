import type { CancelTimer, Clock } from "./clock.ts";

/** Who can end streams that have reached their age. */
export interface AgedStreams {
  /** Ends up to so many streams that have reached this age, in milliseconds. Streams that have anything to do stay. */
  retire(ageMs: number, atMost: number): void;
  /** How many there are. */
  readonly streamCount: number;
}

/** As long as streams live where nothing else is said, in milliseconds. */
export const STREAM_AGE_MS = 30 * 60_000;

/** How often is looked, in milliseconds, and how much of a fleet goes at a time: it is never renewed within two minutes. */
const LOOK = { ms: 1_000, part: 1 / 120 };

/**
 * Ends streams that have reached their age, with OK: Envoys open another at once, which a balancer may lead elsewhere. Few
 * at a time, at an age that differs from stream to stream, and none while `mayEnd` says no (P72).
 *
 * @returns ends it
 */
export function limitAges(
  streams: AgedStreams,
  { clock, ageMs, mayEnd = () => true }: { clock: Clock; ageMs: number; mayEnd?: () => boolean },
): () => void {
  let cancel: CancelTimer;
  const look = (): void => {
    if (mayEnd()) streams.retire(ageMs, Math.ceil(streams.streamCount * LOOK.part));
    cancel = clock.after(LOOK.ms, look);
  };
  cancel = clock.after(LOOK.ms, look);
  return () => cancel();
}
