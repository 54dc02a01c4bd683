import { z } from "zod";
import { WHOLE } from "../core/mesh/mesh.ts";
import { Split } from "./contract.ts";

/** Bodies and queries of requests. Unknown keys are mistakes: a misspelt `keepWeight` must not become a default. */

/** As the control plane has them, in characters. */
const REASON_LIMIT = 1_000;
const NAME_LIMIT = 200;

const text = (most: number) => z.string().min(1).max(most);

const reason = () =>
  z
    .string()
    .max(REASON_LIMIT)
    .refine((said) => said.trim() !== "", {
      error: "it is empty",
      params: { hint: "say why, for whoever asks later", code: "missing" },
    })
    .describe("Why; it appears in the journal word for word.");

const asked = {
  reason: reason(),
  by: text(NAME_LIMIT).optional().describe("Who asks; `X-Belay-By` says the same. Without either it is `http`."),
  dryRun: z.boolean().optional().describe("Nothing is written; the answer says what would have happened."),
};

/** A field of the contract that this version does not serve: said, never ignored. */
function later(what: string, instead: string) {
  return z
    .unknown()
    .optional()
    .refine((value) => value === undefined, {
      error: `${what} come in a later version`,
      params: { hint: instead, code: "not-yet" },
    });
}

const stages = () =>
  z.literal("all").optional().describe("One host first and, once that has acknowledged, all. The only kind yet.");

const meshFields = {
  mesh: z.record(z.string(), z.unknown()).optional().describe("The mesh as an object, as in a mesh file."),
  source: z
    .union([z.string(), z.strictObject({ name: text(NAME_LIMIT), text: z.string() })])
    .optional()
    .describe("The text of a mesh file, alone or with the name that its problems carry."),
  stages: stages(),
};

type HasMesh = { mesh?: unknown; source?: unknown };
const oneMesh = {
  error: "give either mesh or source",
  params: { code: "missing", hint: "source is the text of a mesh file" },
};
const hasOneMesh = (body: HasMesh): boolean => (body.mesh === undefined) !== (body.source === undefined);

export const PublishBody = z.strictObject({ ...meshFields, ...asked }).refine(hasOneMesh, oneMesh);

/** A plan writes nothing, so nobody has to say why. */
export const PlanBody = z
  .strictObject({ ...meshFields, ...asked, reason: reason().optional() })
  .refine(hasOneMesh, oneMesh);

const ShiftBody = z.strictObject({
  kind: z.literal("shift"),
  service: text(NAME_LIMIT),
  weights: Split.describe(`Basis points, ${WHOLE} being all traffic; versions not named share the rest.`),
  from: later("staged plans", "give weights: one step to exact weights"),
  to: later("staged plans", "give weights: one step to exact weights"),
  steps: later("staged plans", "give weights: one step to exact weights"),
  stages: stages(),
  ...asked,
});

const ConfigBody = z.strictObject({
  kind: z.literal("config"),
  revision: z.int().min(1),
  stages: stages(),
  ...asked,
});

export const RolloutBody = z.discriminatedUnion("kind", [ShiftBody, ConfigBody]);

export const RollbackBody = z.strictObject({
  to: z.union([z.int().min(1), z.literal("last-known-good")]).optional(),
  now: z.boolean().optional().describe("All hosts at once, without the first one."),
  keepWeights: z.boolean().optional().describe("Leave today's weights."),
  freeze: z.literal(false).optional().describe("Accepted; no rollback opens a freeze yet."),
  scope: later("scopes", "a rollback covers the whole fleet"),
  ...asked,
});

export const AbortBody = z.strictObject(asked);

const limit = z.coerce.number().int().min(1).max(1_000).default(100);

export const PageQuery = z.object({ limit, after: z.string().optional().describe("The `next` of the page before.") });

export const NodesQuery = PageQuery.extend({
  state: z.enum(["IN_SYNC", "STALE", "REFUSED", "UNMATCHED", "LOST"]).optional(),
  connected: z.enum(["true", "false"]).optional(),
  revision: z.coerce.number().int().optional().describe("Only nodes that have acknowledged this revision."),
});

export const JournalQuery = z.object({
  limit,
  after: z.coerce.number().int().min(0).default(0).describe("Events after this one."),
});

export const WatchQuery = z.object({
  after: z.coerce.number().int().min(0).optional().describe("Events after this one; without it from now on."),
});
