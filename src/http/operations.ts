import type { Operation } from "./operation.ts";
import { listFreezes, startFreeze } from "./route/freeze.ts";
import { readJournal } from "./route/journal.ts";
import { getNode, getNodeConfig, listNodes } from "./route/node.ts";
import { plan } from "./route/plan.ts";
import { getDiff, getRevision, getRevisionSource, listRevisions, publish } from "./route/revision.ts";
import { abortRollout, getRollout, listRollouts, rollBack, startRollout, unknownVerb } from "./route/rollout.ts";
import { getHealth, getReady, getStatus } from "./route/status.ts";
import { watchJournal } from "./route/watch.ts";

/** Everything that the API serves: the router and the OpenAPI document are both made from it. */
export const OPERATIONS: readonly Operation[] = [
  getStatus,
  listNodes,
  getNode,
  getNodeConfig,
  plan,
  listRevisions,
  publish,
  getRevision,
  getRevisionSource,
  getDiff,
  listRollouts,
  startRollout,
  getRollout,
  abortRollout,
  unknownVerb,
  rollBack,
  listFreezes,
  startFreeze,
  readJournal,
  watchJournal,
  getHealth,
  getReady,
];
