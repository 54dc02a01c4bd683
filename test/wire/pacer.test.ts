import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PacedWriter } from "../../src/grpc/pacer.ts";
import { Pacer } from "../../src/grpc/pacer.ts";

const PACE = { places: 2, yieldMs: 100, stallMs: 1_000 };
const bytes = (text: string) => [Buffer.from(text)];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A client that is done with what it is sent when it is told to, or never. */
class FakeClient implements PacedWriter {
  readonly taken: string[] = [];
  readonly #done: (() => void)[] = [];
  open = true;
  isStalled = false;

  write(message: readonly Uint8Array[], done: () => void): void {
    this.taken.push(Buffer.concat(message).toString());
    this.#done.push(done);
  }

  read(): void {
    this.#done.shift()?.();
  }

  stalled(): void {
    this.isStalled = true;
    this.open = false;
  }
}

test("P59 clients that read nothing hold others up for a moment only, and are given up in time", () => {
  const pacer = new Pacer(PACE);
  const stuck = [new FakeClient(), new FakeClient()];
  for (const client of stuck) pacer.stream(client).send(bytes("large"), false);
  const reader = new FakeClient();
  pacer.stream(reader).send(bytes("small"), false);
  expect(reader.taken).toEqual([]);
  vi.advanceTimersByTime(2 * PACE.yieldMs);
  expect(reader.taken).toEqual(["small"]);
  reader.read();
  expect(stuck.map(({ isStalled }) => isStalled)).toEqual([false, false]);
  vi.advanceTimersByTime(PACE.stallMs + PACE.yieldMs);
  expect(stuck.map(({ isStalled }) => isStalled)).toEqual([true, true]);
  expect(reader.isStalled).toBe(false);
  vi.advanceTimersByTime(PACE.yieldMs);
  // Nothing is kept of those that are gone, not even the timer.
  expect(vi.getTimerCount()).toBe(0);
});

test("P69 what a stream is sent arrives in the order in which it was sent, urgent or not", () => {
  const pacer = new Pacer({ ...PACE, places: 1 });
  const busy = new FakeClient();
  pacer.stream(busy).send(bytes("first"), false);
  const client = new FakeClient();
  const stream = pacer.stream(client);
  const messages = ["clusters", "endpoints", "listeners", "routes"];
  for (const [index, message] of messages.entries()) stream.send(bytes(message), index % 2 === 1);
  busy.read();
  for (const _ of messages) client.read();
  expect(client.taken).toEqual(messages);
});
