import { z } from "zod";
import { PROBLEM_CODES } from "../core/failure/problem-codes.ts";

/**
 * Every JSON object of the API, once: what the server builds, what the OpenAPI document says, and (as types)
 * what the command line and the status page read.
 */

const time = () => z.string().meta({ format: "date-time" });
/** Version of a service → basis points. */
export const Split = z.record(z.string(), z.int().min(0).max(10_000));
export type Split = z.infer<typeof Split>;

/** Service → version → basis points. */
export const Weights = z.record(z.string(), Split);

const object = {
  version: z.string().describe("Changes whenever the object does; the value of its ETag."),
  allowedActions: z.array(z.string()).describe("The actions that are valid now."),
};

export const Problem = z.object({
  path: z.string().describe("Where: `services[0].traffic.v2`, or a field of the request."),
  message: z.string(),
  hint: z.string().optional(),
  code: z.enum(PROBLEM_CODES),
  file: z.string().optional(),
  line: z.int().optional(),
  column: z.int().optional(),
});
export type ProblemObject = z.infer<typeof Problem>;

export const ErrorAnswer = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    holder: z.string().optional().describe("What is in the way, e.g. the id of a rollout."),
  }),
  problems: z.array(Problem).optional(),
});
export type ErrorAnswer = z.infer<typeof ErrorAnswer>;

export const ServiceSplit = z.object({
  name: z.string(),
  owner: z.string().optional(),
  tier: z.int().optional(),
  weights: z.object({ wanted: Split, acked: Split }),
});
export type ServiceSplit = z.infer<typeof ServiceSplit>;

export const Status = z.object({
  ready: z.boolean(),
  why: z.string().optional().describe("Why it is not ready."),
  leader: z.boolean(),
  epoch: z.int(),
  seq: z.int().describe("Sequence number of the last event of the journal."),
  xds: z.string().describe("Where Envoys connect, HOST:PORT."),
  xdsCertificate: z
    .object({ notAfter: time().describe("When it runs out.") })
    .optional()
    .describe("The certificate of the port of xDS; absent where that speaks plain text."),
  belay: z.string().describe("The version of this control plane."),
  envoyApi: z.string().describe("Whose API it speaks: the version of the Envoy it was read from."),
  revision: z.object({ live: z.int().nullable(), knownGood: z.int().nullable(), rolling: z.int().nullable() }),
  rollouts: z.array(z.string()).describe("Those that have not ended."),
  nodes: z.object({
    connected: z.int(),
    inSync: z.int(),
    stale: z.int(),
    refused: z.int(),
    unmatched: z.int(),
    lost: z.int().describe("Known to this process and not connected now."),
  }),
  services: z.array(ServiceSplit),
  ...object,
});
export type StatusObject = z.infer<typeof Status>;

export const NodeType = z.object({
  state: z.enum(["SYNCED", "STALE", "ERROR", "NOT_SENT"]),
  version: z.string().describe("The version last acknowledged; empty before the first."),
  error: z.string().optional().describe("Envoy's own words, secrets made unreadable."),
  refused: z
    .array(
      z.object({
        name: z.string(),
        version: z.string().describe("The version that was refused; empty: its removal."),
        is: z.enum(["parked", "quarantined", "rolledBack"]),
        instead: z
          .string()
          .optional()
          .describe("The version that the node is given in its place; empty: none. Absent: what it has is not known."),
      }),
    )
    .optional()
    .describe("What it refused and is not given now; the first hundred."),
});

export const Node = z.object({
  id: z.string(),
  cluster: z.string(),
  group: z.string().describe("Nodes that are selected by the same things; empty when nothing selects it."),
  labels: z.record(z.string(), z.string()),
  zone: z.string(),
  envoy: z.string().describe("Version of the Envoy; empty where the client does not say."),
  extensions: z
    .record(z.string(), z.array(z.string()))
    .optional()
    .describe("What the Envoy is built with, names by category; only in the answer about one node, and where it says."),
  connected: z.boolean(),
  since: time().describe("When `connected` last changed."),
  state: z.enum(["IN_SYNC", "STALE", "REFUSED", "UNMATCHED", "LOST"]),
  reason: z.string().optional().describe("Why it gets no answer."),
  revision: z.object({ wanted: z.int().nullable(), acked: z.int().nullable() }),
  types: z.record(z.string(), NodeType),
  ...object,
});
export type NodeObject = z.infer<typeof Node>;

export const NodeResource = z.object({
  typeUrl: z.string(),
  name: z.string(),
  wanted: z.string().nullable().describe("Version that it should have; null when it should be gone."),
  acked: z.string().nullable().describe("Version in what it last acknowledged whole; null when it has none."),
  config: z.record(z.string(), z.unknown()).nullable().describe("What it should have, secrets redacted."),
});
export const NodeConfig = z.object({
  id: z.string(),
  group: z.string(),
  revision: z.object({ wanted: z.int().nullable(), acked: z.int().nullable() }),
  resources: z.array(NodeResource),
  ...object,
});
export type NodeConfigObject = z.infer<typeof NodeConfig>;

export const Revision = z.object({
  n: z.int(),
  parent: z.int().nullable(),
  status: z.enum(["validated", "rolling", "live", "knownGood", "tainted", "retired"]),
  at: time(),
  by: z.string(),
  reason: z.string(),
  source: z.string().nullable().describe("Name of the text that it was published from."),
  ...object,
});
export type RevisionObject = z.infer<typeof Revision>;

export const RevisionDetail = Revision.extend({
  mesh: z.record(z.string(), z.unknown()).describe("With every default filled in; secrets redacted."),
});
export type RevisionDetail = z.infer<typeof RevisionDetail>;

export const Change = z.object({
  change: z.enum(["added", "removed", "changed"]),
  subject: z.string().describe("`service reviews`, `route edge * /reviews`"),
  field: z.string().describe("Empty where the whole subject came or went."),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  text: z.string().describe("The change in one sentence."),
});
export type Change = z.infer<typeof Change>;

export const Diff = z.object({ from: z.int().nullable(), to: z.int().nullable(), changes: z.array(Change), ...object });
export type DiffObject = z.infer<typeof Diff>;

export const Refused = z.object({ node: z.string(), typeUrl: z.string(), error: z.string() });

const ENDS = ["done", "rolledBack", "aborted", "failed"] as const;
const MOVING = [
  ...(["planned", "waiting", "applying", "verifying", "baking", "judging"] as const),
  ...(["gate", "paused", "held", "rollingBack"] as const),
] as const;

const fleetState = () => z.object({ revision: z.int(), weights: Weights });

export const Rollout = z.object({
  id: z.string(),
  kind: z.enum(["config", "shift", "rollback"]),
  state: z.enum([...MOVING, ...ENDS]),
  service: z.string().optional(),
  stage: z.object({
    index: z.int().describe("From 0; -1 before the first."),
    count: z.int(),
    hosts: z.union([z.int(), z.string()]).nullable().describe("A number, or `all`."),
    weight: z.int().nullable().describe("Basis points of the version that moves most; null but for shifts."),
    since: time(),
  }),
  weights: z.object({ wanted: Split, acked: Split, seen: Split }).describe("Of the service that is shifted."),
  hosts: z.object({
    target: z.array(z.string()),
    acked: z.array(z.string()),
    refused: z.array(Refused),
    lost: z.array(z.string()),
  }),
  next: z.object({
    action: z.enum(["advance", "finish", "rolledBack", "aborted", "wait", "none"]),
    at: time().nullable().describe("The latest time for it: without it by then, the rollout is held."),
    text: z.string(),
  }),
  checks: z.array(z.unknown()),
  from: fleetState(),
  to: fleetState(),
  why: z.string().describe("Why it is in its state."),
  undoes: z.array(z.string()),
  reason: z.string(),
  by: z.string(),
  startedAt: time(),
  endedAt: time().nullable(),
  history: z.array(z.object({ at: time(), text: z.string() })),
  ...object,
});
export type RolloutObject = z.infer<typeof Rollout>;

/** What a mutation would do; nothing was written. */
export const Plan = z.object({
  summary: z.array(z.string()).describe("Sentences, the most important first."),
  nodes: z.array(z.string()).describe("Connected nodes whose configuration changes."),
  revision: Revision.nullable(),
  rollout: Rollout.nullable().describe("Null where there is nothing to do."),
  changes: z.array(Change),
  ...object,
});
export type PlanObject = z.infer<typeof Plan>;

export const Published = z.object({
  revision: Revision.nullable(),
  rollout: Rollout.nullable(),
  summary: z.array(z.string()),
  nodes: z.array(z.string()),
  ...object,
});
export type PublishedObject = z.infer<typeof Published>;

/** The answer of a mutation that found nothing to do, or was not to do it. */
export const Unchanged = z.union([z.object({ summary: z.array(z.string()), rollout: z.null(), ...object }), Plan]);

export const Event = z
  .object({
    seq: z.int(),
    at: time(),
    type: z.string(),
    by: z.string().describe("Who asked, or `belay` for what the control plane decided."),
    reason: z.string(),
    text: z.string().describe("What happened, in one sentence."),
    ...object,
  })
  .catchall(z.unknown());
export type EventObject = z.infer<typeof Event>;

export const Freeze = z.object({
  id: z.string(),
  scope: z.string(),
  from: time(),
  until: time(),
  reason: z.string(),
  by: z.string(),
  ended: time().optional(),
  ...object,
});

/** A page of a list. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    next: z.string().optional().describe("Give it as `after` for what follows."),
  });
}

/** A page of a list, as the command line reads it. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string | undefined;
}
