import { z } from "zod";
import { AbortBody, PlanBody, PublishBody, RollbackBody, RolloutBody } from "./body.ts";
import * as contract from "./contract.ts";
import { FreezePage } from "./route/freeze.ts";
import { EventPage } from "./route/journal.ts";
import { NodePage } from "./route/node.ts";
import { RevisionPage } from "./route/revision.ts";
import { RolloutPage } from "./route/rollout.ts";

/** The schemas of the OpenAPI document, by the names that it gives them. */
export const COMPONENTS: Readonly<Record<string, z.ZodType>> = {
  Status: contract.Status,
  Node: contract.Node,
  NodePage,
  NodeConfig: contract.NodeConfig,
  Revision: contract.Revision,
  RevisionPage,
  RevisionDetail: contract.RevisionDetail,
  Diff: contract.Diff,
  Change: contract.Change,
  Plan: contract.Plan,
  Published: contract.Published,
  Unchanged: contract.Unchanged,
  Rollout: contract.Rollout,
  RolloutPage,
  Freeze: contract.Freeze,
  FreezePage,
  Event: contract.Event,
  EventPage,
  Problem: contract.Problem,
  Error: contract.ErrorAnswer,
  PublishRequest: PublishBody,
  PlanRequest: PlanBody,
  RolloutRequest: RolloutBody,
  RollbackRequest: RollbackBody,
  AbortRequest: AbortBody,
};
