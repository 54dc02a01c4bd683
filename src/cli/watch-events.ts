import type { EventObject, Page } from "../http/contract.ts";
import type { Client } from "./client.ts";

const LOOK_MS = 500;

/** Events after `after` as they happen, until the signal; a control plane that restarts is taken up where it was left. */
export async function* watchEvents(client: Client, after: number, signal: AbortSignal): AsyncGenerator<EventObject> {
  let last = after;
  while (!signal.aborted) {
    const { items } = await client.get<Page<EventObject>>(`/v1/journal?after=${last}&limit=1000`);
    for (const event of items) {
      last = event.seq;
      yield event;
    }
    if (items.length === 0) await pause(LOOK_MS, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
