import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PacedWriter } from "../../src/grpc/pacer.ts";
import { Pacer } from "../../src/grpc/pacer.ts";

const PACE = { places: 2, smallBytes: 0, yieldMs: 100, stallMs: 1_000 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A client that is done with what it is sent when it is told to, or never. */
class FakeClient implements PacedWriter<string> {
  readonly taken: string[] = [];
  readonly #done: (() => void)[] = [];
  open = true;
  isStalled = false;

  write(message: string, done: () => void): number {
    this.taken.push(message);
    this.#done.push(done);
    return message.length;
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
  const pacer = new Pacer<string>(PACE);
  const stuck = [new FakeClient(), new FakeClient()];
  for (const client of stuck) pacer.stream(client).send("large", false);
  const reader = new FakeClient();
  pacer.stream(reader).send("small", false);
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
  const pacer = new Pacer<string>({ ...PACE, places: 1 });
  const busy = new FakeClient();
  pacer.stream(busy).send("first", false);
  const client = new FakeClient();
  const stream = pacer.stream(client);
  const messages = ["clusters", "endpoints", "listeners", "routes"];
  for (const [index, message] of messages.entries()) stream.send(message, index % 2 === 1);
  busy.read();
  for (const _ of messages) client.read();
  expect(client.taken).toEqual(messages);
});

test("P59 bytes that have not left have a bound over all streams, and who holds them is given up sooner", () => {
  const pacer = new Pacer<string>({ ...PACE, places: 100, bytes: 10, crowdedMs: 300 });
  const stuck = [new FakeClient(), new FakeClient()];
  for (const client of stuck) pacer.stream(client).send("12345", false);
  const reader = new FakeClient();
  pacer.stream(reader).send("few", false);
  expect(stuck.map(({ taken }) => taken.length)).toEqual([1, 1]);
  expect(reader.taken).toEqual([]);
  vi.advanceTimersByTime(200);
  expect(stuck.some(({ isStalled }) => isStalled)).toBe(false);
  vi.advanceTimersByTime(200);
  // One is enough: the rest has room then.
  expect(stuck.map(({ isStalled }) => isStalled)).toEqual([true, false]);
  expect(reader.taken).toEqual(["few"]);
});

test("P59 at the bound no more clients are given up than make room for the next: what waits does not cost another its place", () => {
  const pacer = new Pacer<string>({ ...PACE, places: 100, bytes: 10, crowdedMs: 300 });
  const slow = [new FakeClient(), new FakeClient(), new FakeClient(), new FakeClient()];
  for (const client of slow) pacer.stream(client).send("12345", false);
  vi.advanceTimersByTime(300);
  expect(slow.map(({ isStalled }) => isStalled)).toEqual([true, false, false, false]);
  expect(slow.map(({ taken }) => taken.length)).toEqual([1, 1, 1, 0]);
});

test("P59 a message that is longer than the bound is written when nothing else is", () => {
  const pacer = new Pacer<string>({ ...PACE, places: 100, bytes: 4 });
  const client = new FakeClient();
  const stream = pacer.stream(client);
  stream.send("longer than that", false);
  stream.send("next", false);
  expect(client.taken).toEqual(["longer than that"]);
  client.read();
  expect(client.taken).toEqual(["longer than that", "next"]);
});

test("small messages leave together: sixteen of them take the place of a large one, and give it back", () => {
  const pacer = new Pacer<string>({ ...PACE, places: 2, smallBytes: 10 });
  const clients = Array.from({ length: 20 }, () => new FakeClient());
  pacer.stream(new FakeClient()).send("a large message", false);
  for (const client of clients) pacer.stream(client).send("small", false);
  const taken = (): number => clients.filter((client) => client.taken.length > 0).length;
  expect(taken()).toBe(16);
  clients[0]?.read();
  expect(taken()).toBe(17);
});
