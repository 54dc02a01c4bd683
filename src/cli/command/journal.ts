import type { EventObject, Page, StatusObject } from "../../http/contract.ts";
import { EXIT, usage } from "../failure.ts";
import { day, printable } from "../printable.ts";
import type { Session } from "../session.ts";
import { watchEvents } from "../watch-events.ts";

export interface JournalFlags {
  readonly lines: string;
  readonly follow?: boolean;
}

const MOST_LINES = 1_000;
/** Bookkeeping of the control plane, of no interest to whoever asks what happened; `-o json` has it. */
const QUIET: ReadonlySet<string> = new Set(["view.compiled"]);

/** Who decides what no person asked for. */
const BELAY = "belay";

/** `belay journal tail` */
export async function tailJournal(session: Session, { lines, follow }: JournalFlags): Promise<number> {
  const count = /^\d{1,4}$/.test(lines) ? Number(lines) : Number.NaN;
  if (!(count >= 0 && count <= MOST_LINES)) throw usage(`--lines ${lines}: a number from 0 to ${MOST_LINES}`);
  if (follow === true && session.wantsJson) {
    throw usage("-o json prints one document, and --follow has no end; GET /v1/watch streams events");
  }
  const items = await lastEvents(session, count);
  session.result({ items }, eventLines(items));
  if (follow === true) await followEvents(session, items.at(-1)?.seq);
  return EXIT.done;
}

async function lastEvents(session: Session, count: number): Promise<EventObject[]> {
  const { seq } = await session.client().get<StatusObject>("/v1/status");
  const items: EventObject[] = [];
  // Quiet events make a page shorter than asked: go back page by page until there are enough.
  for (let end = seq; end > 0 && items.length < count; end -= MOST_LINES) {
    const start = Math.max(0, end - MOST_LINES);
    const page = await session.client().get<Page<EventObject>>(`/v1/journal?after=${start}&limit=${MOST_LINES}`);
    items.unshift(...page.items.filter((event) => event.seq <= end && (session.wantsJson || !QUIET.has(event.type))));
  }
  return count === 0 ? [] : items.slice(-count);
}

async function followEvents(session: Session, last: number | undefined): Promise<void> {
  const stop = new AbortController();
  const undo = session.io.onInterrupt(() => stop.abort());
  const after = last ?? (await session.client().get<StatusObject>("/v1/status")).seq;
  try {
    for await (const event of watchEvents(session.client(), after, stop.signal)) {
      if (!QUIET.has(event.type)) session.io.stdout.write(eventLine(event));
    }
  } finally {
    undo();
  }
}

export interface SearchFlags {
  readonly by?: string;
}

/** `belay journal search WORDS…` */
export async function searchJournal(session: Session, { by }: SearchFlags, args: readonly string[]): Promise<number> {
  const words = args.map((word) => word.toLowerCase());
  const found = (await session.client().all<EventObject>("/v1/journal")).filter((event) => {
    const text = JSON.stringify(event).toLowerCase();
    return (by === undefined || event.by === by) && words.every((word) => text.includes(word));
  });
  const items = session.wantsJson ? found : found.filter(({ type }) => !QUIET.has(type));
  session.result({ items }, items.length === 0 ? "Nothing in the journal has these words.\n" : eventLines(items));
  return EXIT.done;
}

/** `time  who  what  "why"`, the names one under the other. */
function eventLines(events: readonly EventObject[]): string {
  const width = Math.max(0, ...events.map(({ by }) => printable(by).length));
  return events.map((event) => eventLine(event, width)).join("");
}

function eventLine({ at, by, text, reason }: EventObject, width = 0): string {
  const why = by === BELAY || reason === "" ? "" : `  "${reason}"`;
  return `${day(at)}  ${printable(by).padEnd(width)}  ${printable(text.trimEnd() + why).replaceAll("\n", " ")}\n`;
}
