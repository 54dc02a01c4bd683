/** Time as a port: the system's at run time, a virtual one in tests. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once, `delayMs` from now, unless cancelled. */
  after(delayMs: number, callback: () => void): CancelTimer;
}

export type CancelTimer = () => void;

/** The system's clock. Its timers keep no process alive: what must live has a socket. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** For how long a timer can be set, in milliseconds: Node takes anything longer for at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
