import type { Response, StreamEvent } from "./message.ts";

/**
 * Stands for the nonce of a type's last response. What a stream does does not depend on what its nonces are, only on whether
 * a request has the last one: without them, streams in the same state are the same value and move as one (`moves.ts`).
 */
export const LAST_NONCE = "last";

/** Stands for any other nonce. */
const OTHER_NONCE = "other";

/** The nonce of each type's last response, as the client knows it. A list: it is made anew with each response, of few types. */
export type Nonces = readonly LastNonce[];

interface LastNonce {
  readonly typeUrl: string;
  readonly nonce: string;
}

/** No response yet. */
export const NO_NONCES: Nonces = [];

/** The nonce of the type's last response; empty before the first. */
export function lastNonce(nonces: Nonces, typeUrl: string): string {
  return nonces[placeOf(nonces, typeUrl)]?.nonce ?? "";
}

/** What stands for the nonce of a request. */
export function standInFor(
  nonces: Nonces,
  { typeUrl, nonce }: { readonly typeUrl: string; readonly nonce: string },
): string {
  if (nonce === "") return "";
  return lastNonce(nonces, typeUrl) === nonce ? LAST_NONCE : OTHER_NONCE;
}

/** The events with the nonce of the request that they came of. */
export function answeredBy(events: readonly StreamEvent[], nonce: string): readonly StreamEvent[] {
  if (events.length === 0) return events;
  const answered: StreamEvent[] = [];
  for (let index = 0; index < events.length; index += 1) answered.push(told(events[index] as StreamEvent, nonce));
  return answered;
}

function told(event: StreamEvent, nonce: string): StreamEvent {
  if (event.kind === "repaired") return event;
  const { kind, typeUrl, version } = event;
  return kind === "acked" ? { kind, typeUrl, version, nonce } : { ...event, nonce };
}

/** Who gives nonces: a stream, with how many responses it has sent. */
export interface Numbering {
  /** Makes nonces differ between streams; a nonce means something on its own stream only (R3). */
  readonly tag: string;
  readonly sent: number;
  readonly nonces: Nonces;
}

/** Gives each of these responses the next nonce of the stream. */
export function numbered(
  { tag, sent, nonces }: Numbering,
  responses: readonly Response[],
): { readonly responses: readonly Response[]; readonly nonces: Nonces } {
  if (responses.length === 0) return { responses, nonces };
  const given: Response[] = [];
  let last = nonces;
  for (let index = 0; index < responses.length; index += 1) {
    const { typeUrl, version, resources, removed } = responses[index] as Response;
    const nonce = nonceOf(tag, sent + index + 1);
    given.push({ typeUrl, nonce, version, resources, removed });
    last = withLast(last, typeUrl, nonce);
  }
  return { responses: given, nonces: last };
}

/** Each stream has such a list: one that was pushed to would hold room for sixteen more. */
function withLast(nonces: Nonces, typeUrl: string, nonce: string): Nonces {
  const place = placeOf(nonces, typeUrl);
  const last = { typeUrl, nonce };
  return place === -1 ? nonces.concat(last) : nonces.with(place, last);
}

/** Counted, not iterated, as everywhere where each stream comes by at each change: an iterator is five times the code to compile. */
function placeOf(nonces: Nonces, typeUrl: string): number {
  for (let index = 0; index < nonces.length; index += 1) if (nonces[index]?.typeUrl === typeUrl) return index;
  return -1;
}

/** Two digits at least: the nonces of most streams are equally long, so that the rest of a message can be shared. */
function nonceOf(tag: string, response: number): string {
  return `${tag}${response.toString(36).padStart(2, "0")}`;
}
