import type { RolloutObject } from "../http/contract.ts";
import { CommandFailure, EXIT, type ExitCode } from "./failure.ts";
import { clock } from "./printable.ts";
import { refusalText } from "./rollout-text.ts";
import type { Session } from "./session.ts";

/** Looked at often while it may end within a second, then less so, in milliseconds. */
const QUICK_MS = 40;
const CALM_MS = 250;
const QUICK_FOR_MS = 2_000;
/** A control plane that restarts is waited for: the rollout goes on from the journal. */
const PATIENCE_MS = 60_000;

export interface Followed {
  readonly rollout: RolloutObject;
  readonly exit: ExitCode;
}

export interface FollowOptions {
  /** Milliseconds; exit 3 after that. */
  readonly timeoutMs?: number;
}

/** What a rollout's state means for the command that follows it; undefined while it moves. */
const EXITS: Readonly<Record<RolloutObject["state"], ExitCode | undefined>> = {
  done: EXIT.done,
  rolledBack: EXIT.failed,
  aborted: EXIT.failed,
  failed: EXIT.failed,
  held: EXIT.waiting,
  waiting: EXIT.waiting,
  gate: EXIT.waiting,
  paused: EXIT.waiting,
  planned: undefined,
  applying: undefined,
  verifying: undefined,
  baking: undefined,
  judging: undefined,
  rollingBack: undefined,
};

/**
 * Follows a rollout until it ends or needs a person, one sentence a transition on standard error.
 * Ctrl-C stops only the following.
 */
export async function follow(session: Session, first: RolloutObject, options: FollowOptions = {}): Promise<Followed> {
  const interrupt = new AbortController();
  const undo = session.io.onInterrupt(() => interrupt.abort());
  const started = Date.now();
  let rollout = first;
  let told = 0;
  try {
    for (;;) {
      told = tell(session, rollout, told);
      const exit = EXITS[rollout.state];
      if (exit !== undefined) return { rollout, exit };
      const spent = Date.now() - started;
      if (options.timeoutMs !== undefined && spent >= options.timeoutMs) return { rollout, exit: EXIT.waiting };
      await pause(spent < QUICK_FOR_MS ? QUICK_MS : CALM_MS, interrupt.signal);
      if (interrupt.signal.aborted) return left(session, rollout);
      rollout = await look(session, rollout, interrupt.signal);
    }
  } finally {
    undo();
  }
}

function tell(session: Session, { history, hosts }: RolloutObject, told: number): number {
  const refusals = hosts.refused.map(refusalText);
  for (const { at, text } of history.slice(told)) session.say(`${clock(at)}  ${withoutEcho(text, refusals)}`);
  return history.length;
}

/** Envoy's words are told once, where it says them; sentences that repeat them only point there. */
function withoutEcho(text: string, refusals: readonly string[]): string {
  const echoed = refusals.find((refusal) => text.endsWith(refusal) && text !== refusal);
  if (echoed === undefined) return text;
  return text.slice(0, -echoed.length) + echoed.slice(0, echoed.indexOf(":"));
}

function left(session: Session, rollout: RolloutObject): Followed {
  session.say(`${rollout.id} goes on without you. Follow it again: belay rollout watch ${rollout.id}`);
  return { rollout, exit: EXIT.done };
}

async function look(session: Session, before: RolloutObject, signal: AbortSignal): Promise<RolloutObject> {
  const path = `/v1/rollouts/${encodeURIComponent(before.id)}`;
  const since = Date.now();
  for (let tries = 0; ; tries++) {
    try {
      return await session.client().get<RolloutObject>(path);
    } catch (error) {
      const isAway = error instanceof CommandFailure && error.exit === EXIT.unreachable;
      if (!isAway || Date.now() - since > PATIENCE_MS || signal.aborted) throw error;
      if (tries === 0)
        session.say("The control plane does not answer. Envoys keep what they have; waiting for it to come back.");
    }
    await pause(CALM_MS, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
