import type { Effect } from "../../control/control-plane.ts";
import { ControlError } from "../../core/failure/control-error.ts";
import type { RolloutRecord } from "../../core/journal/state.ts";
import { json, Refusal } from "../answer.ts";
import { askedBy } from "../asked.ts";
import type { Backend } from "../backend.ts";
import { AbortBody, PageQuery, RollbackBody, RolloutBody } from "../body.ts";
import { ErrorAnswer, pageOf, Rollout, Unchanged } from "../contract.ts";
import { rolloutObject } from "../object/rollout.ts";
import { operation } from "../operation.ts";
import { pageOfList } from "../page-of.ts";
import { preconditionFailed, tagged } from "../versioned.ts";
import { planObject, startedAnswer } from "./effect.ts";

export const RolloutPage = pageOf(Rollout);
const notFound = { means: "there is no such rollout", schema: ErrorAnswer };
const started = {
  201: { means: "started", schema: Rollout },
  200: { means: "nothing to do (`rollout` is null), or a dry run", schema: Unchanged },
  409: { means: "something else is moving, or there is nothing to go back to", schema: ErrorAnswer },
  422: { means: "the request has problems", schema: ErrorAnswer },
};

export const listRollouts = operation({
  method: "get",
  path: "/v1/rollouts",
  summary: "All rollouts, the newest first.",
  query: PageQuery,
  answers: { 200: { means: "a page", schema: RolloutPage }, 422: { means: "a bad query", schema: ErrorAnswer } },
  handle({ backend, query }) {
    const newestFirst = [...backend.controlPlane.state().rollouts.values()].reverse();
    const page = pageOfList(newestFirst, ({ id }) => id, query);
    return json(200, { ...page, items: page.items.map(rolloutObject) });
  },
});

export const getRollout = operation({
  method: "get",
  path: "/v1/rollouts/{id}",
  summary: "One rollout: where it is, what happens next, what can be done.",
  answers: { 200: { means: "the rollout", schema: Rollout }, 404: notFound },
  handle: ({ backend, params, request }) => tagged(200, rolloutObject(recordOf(backend, params["id"] ?? "")), request),
});

export const startRollout = operation({
  method: "post",
  path: "/v1/rollouts",
  summary: "Moves weight between the versions of a service, or rolls a published revision out again.",
  body: RolloutBody,
  answers: { ...started, 404: { means: "no such service or revision", schema: ErrorAnswer } },
  async handle({ backend, body, request }) {
    const asked = askedBy(body, request);
    const effect: Effect =
      body.kind === "shift"
        ? await backend.controlPlane.shift({ ...asked, service: body.service, weights: body.weights })
        : await backend.controlPlane.rollOut({ ...asked, revision: body.revision });
    return startedAnswer(effect, request, body.dryRun);
  },
});

export const rollBack = operation({
  method: "post",
  path: "/v1/rollbacks",
  summary: "Goes back to an earlier state, byte for byte.",
  body: RollbackBody,
  answers: { ...started, 404: { means: "no such revision", schema: ErrorAnswer } },
  async handle({ backend, body, request }) {
    const { to, now, keepWeights } = body;
    const effect = await backend.controlPlane.rollback({
      ...askedBy(body, request),
      ...(to === undefined ? {} : { to }),
      ...(now === undefined ? {} : { now }),
      ...(keepWeights === undefined ? {} : { keepWeights }),
    });
    return startedAnswer(effect, request, body.dryRun);
  },
});

export const abortRollout = operation({
  method: "post",
  path: "/v1/rollouts/{id}/abort",
  summary: "Everything back to before the rollout.",
  body: AbortBody,
  answers: {
    200: { means: "it is going back", schema: Rollout },
    404: notFound,
    409: { means: "it has ended", schema: ErrorAnswer },
    412: { means: "If-Match names an older version; the answer is the current object", schema: Rollout },
  },
  async handle({ backend, params, body, request }) {
    const record = recordOf(backend, params["id"] ?? "");
    const outdated = preconditionFailed(rolloutObject(record), request);
    if (outdated !== undefined) return outdated;
    const effect = await backend.controlPlane.abort(record.id, askedBy(body, request));
    if (body.dryRun === true) return json(200, planObject(effect));
    return tagged(200, rolloutObject(effect.rollout ?? recordOf(backend, record.id)), request);
  },
});

/** Verbs of the contract that come later, and misspelt ones. */
export const unknownVerb = operation({
  method: "post",
  path: "/v1/rollouts/{id}/{verb}",
  summary: "Nothing but abort can be done to a rollout yet.",
  answers: { 404: { means: "there is no such verb; the message names those that there are", schema: ErrorAnswer } },
  handle({ backend, params }) {
    const { id } = recordOf(backend, params["id"] ?? "");
    const verb = JSON.stringify((params["verb"] ?? "").slice(0, 40));
    throw new Refusal(404, "not-found", `${id} cannot be told ${verb}; what there is: abort`);
  },
});

function recordOf({ controlPlane }: Backend, id: string): RolloutRecord {
  const record = controlPlane.state().rollouts.get(id);
  if (record !== undefined) return record;
  throw new ControlError(
    "not-found",
    `there is no rollout ${JSON.stringify(id.slice(0, 60))}; GET /v1/rollouts lists them`,
  );
}
