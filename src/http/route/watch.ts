import { invalid, Refusal } from "../answer.ts";
import type { Serving } from "../backend.ts";
import { WatchQuery } from "../body.ts";
import { ErrorAnswer } from "../contract.ts";
import { eventObject } from "../object/event.ts";
import { operation } from "../operation.ts";

/** Keeps proxies from closing a quiet stream, and finds readers that are gone. */
const HEARTBEAT_MS = 15_000;
const PAGE = 200;

export const watchJournal = operation({
  method: "get",
  path: "/v1/watch",
  summary: "The journal as it grows, as server-sent events; `Last-Event-ID` or `after` resumes it.",
  query: WatchQuery,
  answers: {
    200: { means: "events: `id` is the sequence number, `data` the event", type: "text/event-stream" },
    422: { means: "a bad query, or a place beyond the end of the journal", schema: ErrorAnswer },
  },
  handle({ backend, query, request }) {
    const { seq } = backend.controlPlane.state();
    const after = lastEventId(request) ?? query.after ?? seq;
    if (after > seq) {
      const message = `the journal ends at ${seq}: it is another journal, or a broken one`;
      throw invalid([{ path: "after", message, hint: "read it again from the start", code: "bad-value" }]);
    }
    const headers = { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" };
    if (request.method === "HEAD") return new Response(null, { headers });
    return new Response(eventStream(backend, after), { headers });
  },
});

function lastEventId(request: Request): number | undefined {
  const id = request.headers.get("last-event-id");
  if (id === null || id === "") return undefined;
  if (/^\d{1,15}$/.test(id)) return Number(id);
  throw new Refusal(400, "bad-header", "Last-Event-ID is not a sequence number");
}

/**
 * Reads on from the journal whenever it grows and the reader has room, so that a slow reader costs one page
 * of memory and misses nothing.
 */
function eventStream(backend: Serving, after: number): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let last = after;
  let wake: () => void = () => {};
  let isOver = false;
  const stopWatching = backend.controlPlane.watch(() => wake());
  const heartbeat = setInterval(() => wake(), HEARTBEAT_MS);
  heartbeat.unref();
  const stop = (): void => {
    isOver = true;
    clearInterval(heartbeat);
    stopWatching();
    backend.closing.removeEventListener("abort", stop);
    wake();
  };
  backend.closing.addEventListener("abort", stop);
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode("retry: 1000\n: belay\n\n"));
    },
    async pull(controller) {
      const awake = new Promise<void>((resolve) => (wake = resolve));
      let events = await backend.controlPlane.journal(last, PAGE);
      if (events.length === 0 && !isOver) {
        await awake;
        events = await backend.controlPlane.journal(last, PAGE);
      }
      if (backend.closing.aborted) return controller.close();
      if (isOver) return;
      last = events.at(-1)?.seq ?? last;
      const text = events.map((event) => `id: ${event.seq}\ndata: ${JSON.stringify(eventObject(event))}\n\n`).join("");
      controller.enqueue(encoder.encode(text === "" ? ": alive\n\n" : text));
    },
    cancel: stop,
  });
}
