type Close = () => Promise<unknown> | void;

/**
 * What was started and must end. The last that was started ends first; one that cannot be ended does not keep the
 * others from it; what is added after the end is ended at once.
 */
export class Lifetimes {
  readonly #closers: Close[] = [];
  #closing: Promise<void> | undefined;

  async add<T>(starting: Promise<T>, close: (started: T) => Promise<unknown> | void): Promise<T> {
    const started = await starting;
    if (this.#closing === undefined) {
      this.#closers.push(() => close(started));
      return started;
    }
    await close(started);
    throw new Error("ended while it was being started");
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch {
        // The rest must end all the same.
      }
    }
  }
}
