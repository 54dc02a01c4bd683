import type { ErrorDetail, StreamEvent } from "./message.ts";
import type { Inflight, TypeState } from "./type-state.ts";
import { acknowledge, refuse } from "./type-state.ts";

/**
 * Where a type stands on a stream when a request comes: `unasked`, nothing was asked for yet; `unanswered`, nothing was sent
 * yet on this stream; `inFlight`, the last response waits for its answer; `settled`, the last response was answered.
 */
export type Standing = "unasked" | "unanswered" | "inFlight" | "settled";

/**
 * What a request can be. `edit`: it has no nonce, so that it answers nothing (rule D5). `ack` and `nack`: it has the nonce of
 * the last response, and an error makes the difference (N2). `unneeded`: that nonce, no error, and another version (N8).
 * `foreign`: any other nonce (N3).
 */
export type Meaning = "edit" | "ack" | "nack" | "unneeded" | "foreign";

/** What is done about a request of each meaning in each standing: a cell that is missing does not compile. */
export type Table<M extends Meaning, Handler> = Readonly<Record<Standing, Readonly<Record<M, Handler>>>>;

/** What a request did to its type. */
export interface Received {
  readonly state: TypeState;
  readonly events: readonly StreamEvent[];
}

const NO_EVENTS: readonly StreamEvent[] = [];

/** Where the type stands. */
export function standingOf({ subscription, nonce, inflight }: TypeState): Standing {
  if (inflight !== undefined) return "inFlight";
  if (subscription === undefined) return "unasked";
  return nonce === "" ? "unanswered" : "settled";
}

/** Nobody is told of what the request did. */
export function quietly(state: TypeState): Received {
  return { state, events: NO_EVENTS };
}

/** The client took the response in flight. */
export function taken(before: TypeState): Received {
  const { typeUrl } = before;
  const inflight = inflightOf(before);
  const { version, nonce } = inflight;
  const state = acknowledge(before, inflight);
  return inflight.renews === undefined
    ? { state, events: [{ kind: "acked", typeUrl, version, nonce }] }
    : quietly(state);
}

/** The client refused the response in flight. */
export function refused(before: TypeState, { error }: { readonly error?: ErrorDetail }): Received {
  const { typeUrl } = before;
  const inflight = inflightOf(before);
  if (error === undefined) throw new Error(`a refusal of ${typeUrl} says nothing`);
  const { version, nonce } = inflight;
  const { state, names } = refuse(before, inflight, error.message);
  return { state, events: [{ kind: "refused", typeUrl, version, nonce, error, names }] };
}

/** The client has no use for the response in flight: nothing is known of it now, and nobody has complained. */
export function unneeded(before: TypeState): Received {
  const { state } = refuse(before, inflightOf(before), "");
  return quietly({ ...state, error: before.error, refusal: before.refusal });
}

/** The tables ask for it only where the standing is `inFlight`. */
function inflightOf({ inflight, typeUrl }: TypeState): Inflight {
  if (inflight === undefined) throw new Error(`an answer for ${typeUrl} was taken for one to a response in flight`);
  return inflight;
}
