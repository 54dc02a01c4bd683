import type { Admission, AdmissionLimits } from "../core/xds/admission.ts";
import { admit, giveUp, openAdmission, release } from "../core/xds/admission.ts";
import type { Call, CallHandler, Method } from "./call.ts";
import { GrpcError, STATUS } from "./status.ts";

/** Ten thousand Envoys that come back at once are taken as they come; a second such fleet waits ten seconds more. */
const LIMITS: AdmissionLimits = { burst: 10_000, perSecond: 1_000, waiting: 10_000 };

/** Refusals are told to the log at most so often, in milliseconds. */
const TELL_MS = 10_000;

/** Those that wait are let in a few at a time. */
const BATCH_MS = 10;

/** A stream that waits: nothing of it has been read. */
interface Waiter {
  readonly begin: () => void;
}

/**
 * Lets new streams in no faster than they can be served (P72). What it decides is `core/xds/admission.ts`; who waits is not
 * read, and holds no place of those that run.
 */
export class NewStreams {
  readonly #limits: AdmissionLimits;
  readonly #onWarning: (message: string) => void;
  readonly #onRefused: () => void;
  readonly #waiters = new Set<Waiter>();
  #admission: Admission;
  #timer: NodeJS.Timeout | undefined;
  #refused = 0;
  #toldAt = -TELL_MS;

  /** @param onRefused called for each stream that is turned away */
  constructor(limits: Partial<AdmissionLimits>, onWarning: (message: string) => void, onRefused: () => void) {
    this.#onRefused = onRefused;
    this.#limits = { ...LIMITS, ...limits };
    this.#onWarning = onWarning;
    this.#admission = openAdmission(this.#limits, performance.now());
  }

  /** The method for streams that have been let in; the others wait in order, or are refused with UNAVAILABLE. */
  admitting(method: Method): Method {
    return (call) => {
      const { admission, verdict } = admit(this.#admission, performance.now(), this.#limits);
      this.#admission = admission;
      if (verdict === "take") return method(call);
      if (verdict === "wait") return this.#wait(call, method);
      this.#onRefused();
      this.#tell();
      throw new GrpcError(STATUS.unavailable, "too many streams begin at once; come back in a while");
    };
  }

  #wait(call: Call, method: Method): CallHandler {
    let handler: CallHandler | undefined;
    const resume = call.hold();
    const waiter: Waiter = {
      begin() {
        try {
          handler = method(call);
          resume();
        } catch (error) {
          call.fail(error);
        }
      },
    };
    this.#waiters.add(waiter);
    this.#look();
    return {
      onMessage: (bytes) => handler?.onMessage(bytes),
      onHalfClosed: () => handler?.onHalfClosed(),
      onClosed: () => {
        if (this.#waiters.delete(waiter)) this.#admission = giveUp(this.#admission);
        handler?.onClosed();
      },
    };
  }

  #look(): void {
    if (this.#timer !== undefined) return;
    const { admission, count, nextMs } = release(this.#admission, performance.now(), this.#limits);
    this.#admission = admission;
    if (nextMs !== undefined) {
      this.#timer = setTimeout(
        () => {
          this.#timer = undefined;
          this.#look();
        },
        Math.max(BATCH_MS, nextMs),
      ).unref();
    }
    let left = count;
    for (const waiter of this.#waiters) {
      if (left === 0) break;
      left -= 1;
      this.#waiters.delete(waiter);
      waiter.begin();
    }
  }

  #tell(): void {
    this.#refused += 1;
    const now = performance.now();
    if (now - this.#toldAt < TELL_MS) return;
    const { burst, perSecond, waiting } = this.#limits;
    const how = `${burst} at once, ${perSecond} a second beyond, ${waiting} waiting`;
    this.#onWarning(`${this.#refused} new streams were refused: more come than are taken (${how})`);
    this.#toldAt = now;
    this.#refused = 0;
  }
}
