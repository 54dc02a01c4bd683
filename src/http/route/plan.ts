import { json } from "../answer.ts";
import { askedBy } from "../asked.ts";
import { PlanBody } from "../body.ts";
import { ErrorAnswer, Plan } from "../contract.ts";
import { diffMeshes } from "../diff.ts";
import { meshIn, publishFrom } from "../mesh-in.ts";
import { withoutSecrets } from "../object/revision.ts";
import { operation } from "../operation.ts";
import { planObject } from "./effect.ts";
import { cleanMesh } from "./revision.ts";

/** Nothing is written, so nobody reads it. */
const NO_REASON = "a plan";

/** A dry run of publishing, and what would change. */
export const plan = operation({
  method: "post",
  path: "/v1/plans",
  summary: "What publishing this mesh would change, and for whom. Mutates nothing.",
  body: PlanBody,
  answers: {
    200: { means: "the plan", schema: Plan },
    409: { means: "something else is moving", schema: ErrorAnswer },
    422: { means: "the mesh or the request has problems", schema: ErrorAnswer },
  },
  async handle({ backend, body, request }) {
    const given = await meshIn(backend, body);
    const effect = await publishFrom(backend, given, {
      ...askedBy({ ...body, reason: body.reason ?? NO_REASON }, request),
      dryRun: true,
    });
    const { live } = backend.controlPlane.state();
    const before = live === null ? undefined : await cleanMesh(backend, live.revision);
    return json(200, planObject(effect, diffMeshes(before, withoutSecrets(given.mesh, backend.codec))));
  },
});
