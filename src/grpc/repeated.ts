/** A run of entries of one field as it came over the wire, and what it says. */
interface Run<T> {
  readonly bytes: Buffer;
  readonly value: T;
}

/** Runs that are remembered, and bytes in all of them; those of other groups of nodes push the oldest out. */
const KEPT = { runs: 32, bytes: 16 << 20 };

/** Shorter runs are read at least as fast as they are found. */
const SHORTEST_BYTES = 32;

/**
 * Remembers long lists that clients send again and again: every node of a group names the same resources, in each ACK
 * too. A list that is known is not read, only compared, and all streams share its value.
 */
export class RepeatedRuns<T> {
  readonly #runs: Run<T>[] = [];
  #bytes = 0;

  /** The run that begins here, as a whole: behind it no further entry with this tag follows at once. */
  find(message: Buffer, from: number, end: number): { readonly value: T; readonly end: number } | undefined {
    const tag = message[from];
    for (let index = 0; index < this.#runs.length; index += 1) {
      const run = this.#runs[index] as Run<T>;
      const { length } = run.bytes;
      const until = from + length;
      if (until > end || (until < end && message[until] === tag)) continue;
      // Two bytes tell most runs apart, at a twentieth of the price.
      const middle = length >>> 1;
      if (run.bytes[length - 1] !== message[until - 1] || run.bytes[middle] !== message[from + middle]) continue;
      if (run.bytes.compare(message, from, until) !== 0) continue;
      if (index > 0) this.#toFront(index);
      return { value: run.value, end: until };
    }
    return undefined;
  }

  /** Remembers a run that was read. Its value is shared from now on: nobody may change it. */
  remember(message: Buffer, from: number, end: number, value: T): void {
    const length = end - from;
    if (length < SHORTEST_BYTES || length > KEPT.bytes) return;
    while (this.#runs.length === KEPT.runs || this.#bytes + length > KEPT.bytes)
      this.#bytes -= this.#runs.pop()?.bytes.length ?? 0;
    this.#runs.unshift({ bytes: Buffer.from(message.subarray(from, end)), value });
    this.#bytes += length;
  }

  #toFront(index: number): void {
    this.#runs.unshift(...this.#runs.splice(index, 1));
  }
}
