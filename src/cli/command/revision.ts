import type { DiffObject, RevisionDetail, RevisionObject, StatusObject } from "../../http/contract.ts";
import { CommandFailure, EXIT, usage } from "../failure.ts";
import { changeLine } from "../plan-text.ts";
import { day, printable, table } from "../printable.ts";
import type { Session } from "../session.ts";

const STATUS_WORDS: Readonly<Record<string, string>> = { knownGood: "known-good" };

/** `belay revision list` */
export async function listRevisions(session: Session): Promise<number> {
  const items = await session.client().all<RevisionObject>("/v1/revisions");
  const rows = items.map(({ n, status, at, by, reason }) => [
    String(n),
    STATUS_WORDS[status] ?? status,
    day(at),
    by,
    reason,
  ]);
  const text =
    items.length === 0
      ? "Nothing is published yet.\n"
      : table(["N", "STATUS", "PUBLISHED (UTC)", "BY", "REASON"], rows);
  session.result({ items }, text);
  return EXIT.done;
}

/** `belay revision get N` */
export async function getRevision(session: Session, _options: object, args: readonly string[]): Promise<number> {
  const revision = await session.client().get<RevisionDetail>(`/v1/revisions/${numberIn(args[0])}`);
  const { n, status, parent, at, by, reason, source, mesh } = revision;
  const parts = Object.entries(mesh).flatMap(([name, list]) =>
    Array.isArray(list) && list.length > 0 ? [counted(list.length, name)] : [],
  );
  const lines = [
    `revision ${n}  ${STATUS_WORDS[status] ?? status}${parent === null ? "" : `  after revision ${parent}`}`,
    `published ${day(at)} by ${by}: "${reason}"`,
    `holds ${parts.join(", ")}${source === null ? "" : `; from ${source}`}`,
  ];
  session.result(revision, `${lines.map(printable).join("\n")}\n`);
  return EXIT.done;
}

/** `belay revision diff A [B]` */
export async function diffRevisions(session: Session, _options: object, args: readonly string[]): Promise<number> {
  const from = numberIn(args[0]);
  const to = args[1] === undefined ? await liveRevision(session) : numberIn(args[1]);
  const diff = await session.client().get<DiffObject>(`/v1/revisions/${from}/diff/${to}`);
  const lines = diff.changes.map((change) => printable(changeLine(change)));
  session.result(diff, lines.length === 0 ? `Revisions ${from} and ${to} are the same.\n` : `${lines.join("\n")}\n`);
  return EXIT.done;
}

/** `belay revision export N`: the text as it was written. */
export async function exportRevision(session: Session, _options: object, args: readonly string[]): Promise<number> {
  const n = numberIn(args[0]);
  const { status, text, headers } = await session.client().send("GET", `/v1/revisions/${n}/source`);
  if (status !== 200) {
    const why = headers["content-type"] === "application/json" ? messageIn(text) : `HTTP ${status}`;
    throw new CommandFailure(EXIT.usage, why);
  }
  session.result({ n, source: text }, text);
  return EXIT.done;
}

function messageIn(text: string): string {
  const { error } = JSON.parse(text) as { error?: { message?: string } };
  return error?.message ?? text;
}

async function liveRevision(session: Session): Promise<number> {
  const { revision } = await session.client().get<StatusObject>("/v1/status");
  if (revision.live !== null) return revision.live;
  throw new CommandFailure(EXIT.usage, "no revision is live to compare with; name two");
}

function numberIn(text = ""): number {
  const match = /^r?([1-9]\d{0,14})$/.exec(text);
  if (match === null) throw usage(`"${text}" is not the number of a revision; belay revision list shows them`);
  return Number(match[1]);
}

/** `1 service`, `2 services`: the keys of a mesh are plurals. */
function counted(count: number, plural: string): string {
  return `${count} ${count === 1 ? plural.replace(/s$/, "") : plural}`;
}
