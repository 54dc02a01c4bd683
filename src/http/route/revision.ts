import { ControlError } from "../../core/failure/control-error.ts";
import type { RevisionRecord } from "../../core/journal/state.ts";
import type { Mesh } from "../../core/mesh/mesh.ts";
import { json, Refusal, text } from "../answer.ts";
import { askedBy } from "../asked.ts";
import type { Backend } from "../backend.ts";
import { PageQuery, PublishBody } from "../body.ts";
import { Diff, ErrorAnswer, Published, pageOf, Revision, RevisionDetail } from "../contract.ts";
import { diffMeshes } from "../diff.ts";
import { meshIn, publishFrom } from "../mesh-in.ts";
import { revisionDetail, revisionObject, withoutSecrets } from "../object/revision.ts";
import { rolloutObject } from "../object/rollout.ts";
import { operation } from "../operation.ts";
import { pageOfList } from "../page-of.ts";
import { tagged, versioned } from "../versioned.ts";
import { planObject } from "./effect.ts";

export const RevisionPage = pageOf(Revision);
const notFound = { means: "there is no such revision", schema: ErrorAnswer };

export const listRevisions = operation({
  method: "get",
  path: "/v1/revisions",
  summary: "All revisions, the newest first.",
  query: PageQuery,
  answers: { 200: { means: "a page", schema: RevisionPage }, 422: { means: "a bad query", schema: ErrorAnswer } },
  handle({ backend, query }) {
    const newestFirst = [...backend.controlPlane.state().revisions.values()].sort((a, b) => b.n - a.n);
    const page = pageOfList(newestFirst, ({ n }) => String(n), query);
    return json(200, { ...page, items: page.items.map(revisionObject) });
  },
});

export const getRevision = operation({
  method: "get",
  path: "/v1/revisions/{n}",
  summary: "One revision with its mesh.",
  answers: { 200: { means: "the revision", schema: RevisionDetail }, 404: notFound },
  async handle({ backend, params, request }) {
    const record = recordOf(backend, params["n"] ?? "");
    const mesh = await backend.controlPlane.mesh(record.n);
    return tagged(200, revisionDetail(record, mesh, backend.codec), request);
  },
});

export const getRevisionSource = operation({
  method: "get",
  path: "/v1/revisions/{n}/source",
  summary: "The text that the revision was published from, as it was written.",
  answers: {
    200: { means: "the text", type: "text/plain" },
    404: { means: "no such revision, or not published as text", schema: ErrorAnswer },
  },
  async handle({ backend, params }) {
    const { n } = recordOf(backend, params["n"] ?? "");
    const source = await backend.controlPlane.source(n);
    if (source !== undefined) return text(200, source);
    throw new Refusal(404, "not-found", `revision ${n} was not published as text; GET /v1/revisions/${n} has its mesh`);
  },
});

export const getDiff = operation({
  method: "get",
  path: "/v1/revisions/{a}/diff/{b}",
  summary: "What changed from one revision to another.",
  answers: { 200: { means: "the changes", schema: Diff }, 404: notFound },
  async handle({ backend, params, request }) {
    const [a, b] = [recordOf(backend, params["a"] ?? ""), recordOf(backend, params["b"] ?? "")];
    const [before, after] = await Promise.all([cleanMesh(backend, a.n), cleanMesh(backend, b.n)]);
    return tagged(200, versioned({ from: a.n, to: b.n, changes: diffMeshes(before, after) }), request);
  },
});

export const publish = operation({
  method: "post",
  path: "/v1/revisions",
  summary: "Publishes a mesh as a revision and starts its rollout.",
  body: PublishBody,
  answers: {
    201: { means: "published", schema: Published },
    200: { means: "nothing to do: it is live already, or a dry run", schema: Published },
    409: { means: "something else is moving", schema: ErrorAnswer },
    422: { means: "the mesh or the request has problems", schema: ErrorAnswer },
  },
  async handle({ backend, body, request }) {
    const before = backend.controlPlane.state();
    const asked = askedBy(body, request);
    const effect = await publishFrom(backend, await meshIn(backend, body), asked);
    if (body.dryRun === true) return json(200, planObject(effect));
    const answer = versioned({
      revision: effect.revision === undefined ? null : revisionObject(effect.revision),
      rollout: effect.rollout === undefined ? null : rolloutObject(effect.rollout),
      summary: [...effect.summary],
      nodes: [...effect.nodes],
    });
    const isNew = effect.revision !== undefined && !before.revisions.has(effect.revision.n);
    const isReplay = asked.idempotencyKey !== undefined && before.keys.has(asked.idempotencyKey);
    return json(isNew || isReplay || effect.rollout !== undefined ? 201 : 200, answer);
  },
});

/** The mesh of a revision, fit to be shown. */
export async function cleanMesh({ controlPlane, codec }: Backend, n: number): Promise<Mesh> {
  return withoutSecrets(await controlPlane.mesh(n), codec);
}

function recordOf({ controlPlane }: Backend, text: string): RevisionRecord {
  const record = /^[1-9]\d{0,14}$/.test(text) ? controlPlane.state().revisions.get(Number(text)) : undefined;
  if (record !== undefined) return record;
  throw new ControlError(
    "not-found",
    `there is no revision ${JSON.stringify(text.slice(0, 40))}; GET /v1/revisions lists them`,
  );
}
