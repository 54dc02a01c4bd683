import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { Answer } from "./target.ts";

/** The first thing that went wrong, where there is one. */
export interface Failure {
  readonly target: string;
  /** `503 from v2`, or the error of the connection. */
  readonly cause: string;
}

export interface Counts {
  readonly sent: number;
  readonly answered: number;
  /** Not 2xx, a connection error, or a time-out. */
  readonly failed: number;
  /** Answers 2xx by the version that gave them. */
  readonly byVersion: ReadonlyMap<string, number>;
  readonly byStatus: ReadonlyMap<number, number>;
  readonly firstFailure: Failure | undefined;
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Counts requests from their sending to their end; a request belongs to the tallies that were open when it was sent. */
export class Tally {
  #sent = 0;
  #answered = 0;
  #failed = 0;
  #ended = 0;
  #firstFailure: Failure | undefined;
  readonly #byVersion = new Map<string, number>();
  readonly #byStatus = new Map<number, number>();
  readonly #microseconds: RecordableHistogram = createHistogram({ lowest: 1, highest: 120_000_000, figures: 3 });
  #waiting: (() => void)[] = [];

  sent(): void {
    this.#sent += 1;
  }

  answered(target: string, answer: Answer, tookMs: number): void {
    this.#answered += 1;
    this.#byStatus.set(answer.status, (this.#byStatus.get(answer.status) ?? 0) + 1);
    this.#microseconds.record(Math.max(1, Math.round(tookMs * 1_000)));
    if (answer.status >= 200 && answer.status < 300) {
      this.#byVersion.set(answer.servedBy, (this.#byVersion.get(answer.servedBy) ?? 0) + 1);
      this.#end();
    } else {
      this.failed({ target, cause: `${answer.status}${answer.servedBy === "" ? "" : ` from ${answer.servedBy}`}` });
    }
  }

  failed(failure: Failure): void {
    this.#failed += 1;
    this.#firstFailure ??= failure;
    this.#end();
  }

  #end(): void {
    this.#ended += 1;
    if (this.#ended < this.#sent) return;
    for (const resolve of this.#waiting) resolve();
    this.#waiting = [];
  }

  /** Resolves when every request that was sent has ended. */
  async settled(): Promise<void> {
    if (this.#ended === this.#sent) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  counts(): Counts {
    return {
      sent: this.#sent,
      answered: this.#answered,
      failed: this.#failed,
      byVersion: new Map(this.#byVersion),
      byStatus: new Map(this.#byStatus),
      firstFailure: this.#firstFailure,
    };
  }

  latency(): Latency {
    const ms = (microseconds: number): number => microseconds / 1_000;
    if (this.#answered === 0) return { p50Ms: 0, p99Ms: 0, maxMs: 0 };
    const histogram = this.#microseconds;
    return { p50Ms: ms(histogram.percentile(50)), p99Ms: ms(histogram.percentile(99)), maxMs: ms(histogram.max) };
  }
}

/** Share of the answers that a version gave, 0 to 1; 0 where there was none. */
export function shareOf(counts: Counts, version: string): number {
  let total = 0;
  for (const count of counts.byVersion.values()) total += count;
  return total === 0 ? 0 : (counts.byVersion.get(version) ?? 0) / total;
}

/** The sum of several counts; the first failure is that of the first that has one. */
export function sumOf(parts: readonly Counts[]): Counts {
  const byVersion = new Map<string, number>();
  const byStatus = new Map<number, number>();
  for (const part of parts) {
    for (const [version, n] of part.byVersion) byVersion.set(version, (byVersion.get(version) ?? 0) + n);
    for (const [status, n] of part.byStatus) byStatus.set(status, (byStatus.get(status) ?? 0) + n);
  }
  return {
    sent: parts.reduce((sum, part) => sum + part.sent, 0),
    answered: parts.reduce((sum, part) => sum + part.answered, 0),
    failed: parts.reduce((sum, part) => sum + part.failed, 0),
    byVersion,
    byStatus,
    firstFailure: parts.find((part) => part.firstFailure !== undefined)?.firstFailure,
  };
}
