/** A queue that is as fast with ten thousand entries as with ten. */
export class Fifo<T> {
  #incoming: T[] = [];
  #outgoing: T[] = [];

  get size(): number {
    return this.#incoming.length + this.#outgoing.length;
  }

  push(item: T): void {
    this.#incoming.push(item);
  }

  shift(): T | undefined {
    if (this.#outgoing.length === 0 && this.#incoming.length > 0) {
      this.#outgoing = this.#incoming.reverse();
      this.#incoming = [];
    }
    return this.#outgoing.pop();
  }
}
