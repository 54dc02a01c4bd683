import type { ServerHttp2Session } from "node:http2";

/** Sessions are pinged in turns, so that thousands of them never need the same moment. */
const TURNS = 20;

/**
 * Finds peers that have vanished without a word: each session is pinged once a round, and cut where the ping of the
 * round before is not answered yet. So a dead peer is noticed after one to two rounds.
 */
export class Keepalive {
  readonly #turns: Set<ServerHttp2Session>[] = Array.from({ length: TURNS }, () => new Set());
  readonly #unanswered = new WeakSet<ServerHttp2Session>();
  readonly #timer: NodeJS.Timeout;
  #next = 0;

  /** @param roundMs how often each session is pinged */
  constructor(roundMs: number) {
    this.#timer = setInterval(() => this.#turn(), roundMs / TURNS);
    this.#timer.unref();
  }

  /** Watches the session until it is forgotten. */
  watch(session: ServerHttp2Session): void {
    const turn = this.#turns[this.#next % TURNS] as Set<ServerHttp2Session>;
    this.#next += 1;
    turn.add(session);
  }

  forget(session: ServerHttp2Session): void {
    for (const turn of this.#turns) turn.delete(session);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #turn(): void {
    const sessions = this.#turns.shift() as Set<ServerHttp2Session>;
    this.#turns.push(sessions);
    for (const session of sessions) this.#ping(session);
  }

  #ping(session: ServerHttp2Session): void {
    // A session that is closing has its own end; a ping must not hasten it.
    if (session.destroyed || session.closed) return;
    if (this.#unanswered.has(session)) {
      session.destroy();
      return;
    }
    this.#unanswered.add(session);
    session.ping((error) => {
      if (error === null) this.#unanswered.delete(session);
    });
  }
}
