/** Runs jobs one after the other, in the order in which they came. A job that fails fails alone. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#last.then(job);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when every job that is here now has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
