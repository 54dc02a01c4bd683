import { json } from "../answer.ts";
import { JournalQuery } from "../body.ts";
import { ErrorAnswer, Event, pageOf } from "../contract.ts";
import { eventObject } from "../object/event.ts";
import { operation } from "../operation.ts";

export const EventPage = pageOf(Event);

export const readJournal = operation({
  method: "get",
  path: "/v1/journal",
  summary: "What happened, who asked and why; the oldest first.",
  query: JournalQuery,
  answers: { 200: { means: "a page", schema: EventPage }, 422: { means: "a bad query", schema: ErrorAnswer } },
  async handle({ backend, query: { after, limit } }) {
    const events = await backend.controlPlane.journal(after, limit + 1);
    const items = events.slice(0, limit).map(eventObject);
    const last = items.at(-1);
    return json(200, events.length > limit && last !== undefined ? { items, next: String(last.seq) } : { items });
  },
});
