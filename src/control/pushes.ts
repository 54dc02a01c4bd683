import type { Response } from "../core/xds/message.ts";
import type { Stream } from "../core/xds/stream.ts";
import type { XdsCounters } from "./xds-counters.ts";
import { observe } from "./xds-counters.ts";

/** A response that brings a change. */
interface Push {
  readonly nonce: string;
  readonly since: number;
}

/** How long changes take to be acknowledged on one stream. */
export class Pushes {
  /** Types that have changed and whose change has not been sent yet, and since when. */
  #due: Map<string, number> | undefined;
  #sent: Push[] | undefined;

  /** Is a change still to be sent? */
  get isDue(): boolean {
    return this.#due !== undefined;
  }

  /** Is there nothing to send of a change, and nothing to wait for? */
  get isOver(): boolean {
    return this.#due === undefined && this.#sent === undefined;
  }

  /** The stream's view has changed at this moment, from and to these states. */
  changed(before: Stream, after: Stream, since: number): void {
    for (const [typeUrl, state] of after.types) {
      if (state === before.types.get(typeUrl) || state.subscription === undefined) continue;
      this.#due ??= new Map();
      if (!this.#due.has(typeUrl)) this.#due.set(typeUrl, since);
    }
  }

  /** The stream has been polled: these were sent, and what nothing holds back had nothing to say of the change. */
  polled(after: Stream, responses: readonly Response[]): void {
    if (this.#due === undefined) return;
    for (const [typeUrl, since] of this.#due) {
      const response = responses.find((one) => one.typeUrl === typeUrl);
      const isHeldBack = after.types.get(typeUrl)?.inflight !== undefined || after.waiting.has(typeUrl);
      if (response === undefined && isHeldBack) continue;
      this.#due.delete(typeUrl);
      if (response !== undefined) (this.#sent ??= []).push({ nonce: response.nonce, since });
    }
    if (this.#due.size === 0) this.#due = undefined;
  }

  /** A response was acknowledged or refused. */
  answered(
    event: { readonly kind: string; readonly typeUrl: string; readonly nonce: string },
    now: number,
    counters: XdsCounters,
  ): void {
    const index = this.#sent?.findIndex(({ nonce }) => nonce === event.nonce) ?? -1;
    const push = this.#sent?.[index];
    if (push === undefined) return;
    this.#sent?.splice(index, 1);
    if (this.#sent?.length === 0) this.#sent = undefined;
    if (event.kind === "acked") observe(counters.of(event.typeUrl).pushToAck, Math.max(0, now - push.since));
  }
}
