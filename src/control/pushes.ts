import type { Response } from "../core/xds/message.ts";
import type { Stream } from "../core/xds/stream.ts";
import type { XdsCounters } from "./xds-counters.ts";
import { observe } from "./xds-counters.ts";

/** A change of a type on its way to a client. */
export interface Push {
  readonly typeUrl: string;
  /** When what the node should have changed, in milliseconds. */
  readonly since: number;
  /** Of the response that brings it; empty until that is sent. */
  nonce: string;
}

/** The changes that are on their way on one stream; undefined while there are none, as mostly. */
export type Pushes = readonly Push[] | undefined;

/** The view of a stream has changed at this moment. A type whose change is still to be sent keeps the earlier moment. */
export function afterChange(pushes: Pushes, before: Stream, after: Stream, since: number): Pushes {
  let more: Push[] | undefined;
  if (before.types === after.types) return pushes;
  for (const state of after.types.values()) {
    const { typeUrl } = state;
    if (state === before.types.get(typeUrl) || state.subscription === undefined) continue;
    if (pushes?.some((push) => push.nonce === "" && push.typeUrl === typeUrl) === true) continue;
    const push = { typeUrl, since, nonce: "" };
    if (more === undefined) more = [push];
    else more.push(push);
  }
  if (more === undefined) return pushes;
  return pushes === undefined ? more : [...pushes, ...more];
}

/** The stream was polled: responses take changes with them, and what nothing holds back had nothing to say of its own. */
export function afterPoll(pushes: Pushes, after: Stream, responses: readonly Response[]): Pushes {
  if (pushes === undefined) return undefined;
  let isOver = false;
  for (let index = 0; index < pushes.length; index += 1) {
    const push = pushes[index] as Push;
    const { typeUrl } = push;
    const response = responses.find((one) => one.typeUrl === typeUrl);
    if (push.nonce === "" && response !== undefined) push.nonce = response.nonce;
    // One is in flight a type: the answer to an earlier one does not come any more, the client has given up what it was sent.
    else if (push.nonce === "" ? isHeldBack(after, typeUrl) : response === undefined) continue;
    else {
      push.nonce = OVER;
      isOver = true;
    }
  }
  return isOver ? without(pushes, OVER) : pushes;
}

function isHeldBack({ types, waiting }: Stream, typeUrl: string): boolean {
  return types.get(typeUrl)?.inflight !== undefined || waiting.has(typeUrl);
}

/** No nonce. */
const OVER = "\0";

/** A response was acknowledged, or refused: that is no latency. */
export function afterAnswer(
  pushes: Pushes,
  event: { readonly kind: "acked" | "refused"; readonly typeUrl: string; readonly nonce: string },
  now: number,
  counters: XdsCounters,
): Pushes {
  const push = pushes?.find(({ nonce }) => nonce === event.nonce);
  if (push === undefined) return pushes;
  if (event.kind === "acked") observe(counters.of(event.typeUrl).pushToAck, Math.max(0, now - push.since));
  return without(pushes, event.nonce);
}

/** Is a change still to be sent? */
export function isPushDue(pushes: Pushes): boolean {
  return pushes?.some(({ nonce }) => nonce === "") === true;
}

function without(pushes: Pushes, gone: string): Pushes {
  if (pushes?.length === 1) return pushes[0]?.nonce === gone ? undefined : pushes;
  const left = pushes?.filter(({ nonce }) => nonce !== gone);
  return left?.length === 0 ? undefined : left;
}
