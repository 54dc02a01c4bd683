type Close = () => Promise<unknown> | void;

/**
 * What was started and must end. The last that was started ends first; one that cannot be ended does not keep the
 * others from it; what is still being started is ended as soon as it can be.
 */
export class Lifetimes {
  readonly #closers: Close[] = [];
  readonly #starting = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  async add<T>(starting: Promise<T>, close: (started: T) => Promise<unknown> | void): Promise<T> {
    const adding = this.#added(starting, close);
    this.#starting.add(adding);
    try {
      return await adding;
    } finally {
      this.#starting.delete(adding);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #added<T>(starting: Promise<T>, close: (started: T) => Promise<unknown> | void): Promise<T> {
    const started = await starting;
    if (this.#closing === undefined) {
      this.#closers.push(() => close(started));
      return started;
    }
    await close(started);
    throw new Error("ended while it was being started");
  }

  async #closeAll(): Promise<void> {
    // What is still starting ends first: it may need what was started before it, the folder it writes to for one.
    await Promise.allSettled(this.#starting);
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch {
        // The rest must end all the same.
      }
    }
  }
}
