import { ControlError } from "../failure/control-error.ts";
import { foldRollout, startRollout } from "../rollout/fold-rollout.ts";
import { Draft } from "./draft.ts";
import type { Asked, EventBody, JournalEvent } from "./event.ts";
import type { Made, RevisionStatus, State } from "./state.ts";

/** The state of an empty journal. */
export function emptyState(): State {
  return {
    seq: 0,
    revisions: new Map(),
    rollouts: new Map(),
    live: null,
    done: [],
    active: null,
    views: new Map(),
    unrepaired: new Map(),
    keys: new Map(),
  };
}

/**
 * The state after one more event.
 *
 * @throws ControlError `not-ready` for an event out of order, or of a type that this version of Belay does not know
 */
export function fold(state: State, event: JournalEvent): State {
  return foldAll(state, [event]);
}

/** The state after these events, in their order. Throws as `fold` does. */
export function foldAll(state: State, events: Iterable<JournalEvent>): State {
  const draft = new Draft(state);
  for (const event of events) {
    if (event.seq !== draft.state.seq + 1) throw outOfOrder(draft.state.seq, event.seq);
    apply(draft, event);
    draft.set({ seq: event.seq });
  }
  return draft.state;
}

function apply(draft: Draft, event: JournalEvent): void {
  const { body } = event;
  switch (body.type) {
    case "revision.published":
      return publish(draft, event, body);
    case "rollout.started":
      startRollout(draft, event, body);
      note(draft, body.asked, { rollout: body.rollout });
      return rate(draft, event, [body.to.revision]);
    case "rollout.stage":
    case "rollout.acked":
    case "rollout.lost":
    case "rollout.held":
    case "rollout.resumed":
      foldRollout(draft, event, body);
      return;
    case "rollout.rollingBack":
      foldRollout(draft, event, body);
      if (body.asked !== undefined) note(draft, body.asked, { rollout: body.rollout });
      return;
    case "rollout.ended": {
      const before = draft.state.live?.revision;
      const rollout = foldRollout(draft, event, body);
      return rate(draft, event, [before ?? 0, rollout?.to.revision ?? 0]);
    }
    case "nack":
      return refuse(draft, event, body);
    case "nack.repaired":
      return repair(draft, body);
    case "view.compiled":
      return draft.put("views", viewKey(body.revision, body.weights, body.group), body.manifest);
    default:
      throw unknownEvent(event.seq, body);
  }
}

/** Key of `State.views`. */
export function viewKey(revision: number, weightsDigest: string, group: string): string {
  return `${revision} ${weightsDigest} ${group}`;
}

type Published = Extract<EventBody, { type: "revision.published" }>;

function publish(draft: Draft, { seq, at }: JournalEvent, body: Published): void {
  const { revision, parent, mesh, source, seedWeights, asked } = body;
  draft.put("revisions", revision, {
    n: revision,
    parent,
    status: seedWeights === undefined ? "validated" : "live",
    mesh,
    ...(source === undefined ? {} : { source }),
    at,
    asked,
    seq,
  });
  note(draft, asked, { revision });
  if (seedWeights === undefined) return;
  const state = { revision, weights: seedWeights };
  draft.reach({ ...state, rollout: null, at }, state);
}

/** Remembers what a request made, so that its repetition is harmless. */
function note(draft: Draft, { idempotencyKey: key, fingerprint }: Asked, made: Made): void {
  if (key === undefined) return;
  draft.put("keys", key, {
    ...draft.state.keys.get(key),
    ...made,
    ...(fingerprint === undefined ? {} : { fingerprint }),
  });
}

/** The status of revisions follows from where they are: it is worked out again for those that an event touches. */
function rate(draft: Draft, { seq }: JournalEvent, revisions: readonly number[]): void {
  for (const n of new Set(revisions)) {
    const record = draft.state.revisions.get(n);
    if (record === undefined) continue;
    const status = statusOf(draft.state, n);
    if (status !== record.status) draft.put("revisions", n, { ...record, status, seq });
  }
}

function statusOf({ live, active, rollouts, done }: State, n: number): RevisionStatus {
  if (live?.revision === n) return "live";
  if (active !== null && rollouts.get(active)?.to.revision === n) return "rolling";
  return done.some(({ revision }) => revision === n) ? "retired" : "validated";
}

function refuse(draft: Draft, event: JournalEvent, body: Extract<EventBody, { type: "nack" }>): void {
  const types = draft.state.unrepaired.get(body.node);
  const names = new Set([...(types?.get(body.typeUrl) ?? []), ...body.names]);
  draft.put("unrepaired", body.node, new Map(types).set(body.typeUrl, [...names]));
  foldRollout(draft, event, body);
}

function repair(draft: Draft, { node, typeUrl }: Extract<EventBody, { type: "nack.repaired" }>): void {
  const types = new Map(draft.state.unrepaired.get(node));
  types.delete(typeUrl);
  if (types.size > 0) draft.put("unrepaired", node, types);
  else draft.drop("unrepaired", node);
}

function outOfOrder(head: number, seq: number): ControlError {
  return new ControlError(
    "not-ready",
    `the journal is damaged: event ${seq} follows event ${head}; restore belay.db from a copy, Envoys keep what they have`,
  );
}

function unknownEvent(seq: number, body: never): ControlError {
  const { type } = body as { readonly type: unknown };
  const name = typeof type === "string" ? JSON.stringify(type.slice(0, 60)) : "without a type";
  return new ControlError(
    "not-ready",
    `event ${seq} of the journal is of a kind that this version of Belay does not know (${name}): ` +
      "a newer version has written it; run that one, Envoys keep what they have",
  );
}
