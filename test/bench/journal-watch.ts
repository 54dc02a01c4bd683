import type { EventObject } from "../../src/http/contract.ts";

/** An event of the journal, and when it was here, in milliseconds of `performance.now()`. */
interface Seen {
  readonly event: EventObject;
  readonly atMs: number;
}

export interface JournalWatch {
  /** The first event that fulfils the condition, also where it came before anybody asked. Rejects when the stream ends. */
  when(fulfils: (event: EventObject) => boolean): Promise<Seen>;
  close(): void;
}

/** Reads `/v1/watch`, so that an event is seen when it happens and not at the next look. */
export async function watchJournal(server: string): Promise<JournalWatch> {
  const ending = new AbortController();
  const response = await fetch(`${server}/v1/watch`, { signal: ending.signal });
  if (!response.ok || response.body === null) throw new Error(`${server}/v1/watch answered ${response.status}`);
  const seen: Seen[] = [];
  const waiting = new Set<() => void>();
  let isOver = false;
  const wake = (): void => {
    for (const look of waiting) look();
  };
  void read(response.body, (event, atMs) => {
    seen.push({ event, atMs });
    wake();
  })
    .catch(() => {})
    .finally(() => {
      isOver = true;
      wake();
    });
  return {
    when: (fulfils) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = seen.find(({ event }) => fulfils(event));
          if (found === undefined && !isOver) return;
          waiting.delete(look);
          if (found !== undefined) resolve(found);
          else reject(new Error("the stream of events has ended"));
        };
        waiting.add(look);
        look();
      }),
    close: () => ending.abort(),
  };
}

async function read(body: ReadableStream<Uint8Array>, on: (event: EventObject, atMs: number) => void): Promise<void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    const atMs = performance.now();
    text += decoder.decode(chunk, { stream: true });
    const messages = text.split("\n\n");
    text = messages.pop() ?? "";
    for (const message of messages) {
      const data = message.split("\n").find((line) => line.startsWith("data: "));
      if (data !== undefined) on(JSON.parse(data.slice("data: ".length)) as EventObject, atMs);
    }
  }
}
