import { ControlError } from "../failure/control-error.ts";
import type { FleetState } from "../journal/event.ts";
import { sameState } from "../journal/same-state.ts";
import type { State } from "../journal/state.ts";

/** Where a rollback goes, or why there is nothing to do. */
export type RollbackTarget = { readonly target: FleetState } | { readonly nothing: string };

/** What a person sees as in force: with an active rollout, what that brings. */
export function inForce(state: State): FleetState | null {
  const rollout = state.active === null ? undefined : state.rollouts.get(state.active);
  return rollout?.to ?? state.live;
}

/**
 * The state that a rollback restores: the last one of revision `to`, else the newest done state other than the one in
 * force. With `otherRevision` states that differ in weights only are passed over, since the weights stay.
 *
 * @throws ControlError `not-found` for an unknown revision, `nothing-to-do-back` where no state can be gone back to
 */
export function rollbackTarget(
  state: State,
  wish: { readonly to?: number; readonly otherRevision?: boolean } = {},
): RollbackTarget {
  const current = inForce(state);
  if (current === null) throw nothing("nothing has been published yet");
  if (wish.to !== undefined) return namedTarget(state, current, wish.to);
  const earlier = state.done.findLast((done) =>
    wish.otherRevision === true ? done.revision !== current.revision : !sameState(done, current),
  );
  if (earlier === undefined) throw nothing("there is no earlier state");
  return { target: plain(earlier) };
}

function namedTarget(state: State, current: FleetState, to: number): RollbackTarget {
  if (!state.revisions.has(to)) {
    throw new ControlError("not-found", `there is no revision ${to}; belay revision list shows them`);
  }
  const last = state.done.findLast(({ revision }) => revision === to);
  if (last === undefined) {
    throw nothing(`revision ${to} has never been in force, so there is no state of it to restore`);
  }
  const isComing = state.active !== null && state.rollouts.get(state.active)?.state !== "rollingBack";
  if (!sameState(last, current)) return { target: plain(last) };
  if (state.active === null) return { nothing: `revision ${to} is in force already, with these weights` };
  if (isComing) return { nothing: `${state.active} is rolling this state out already` };
  return { target: plain(last) };
}

function plain({ revision, weights }: FleetState): FleetState {
  return { revision, weights };
}

function nothing(why: string): ControlError {
  return new ControlError("nothing-to-do-back", `nothing to go back to: ${why}`);
}
