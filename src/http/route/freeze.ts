import { json, Refusal } from "../answer.ts";
import { ErrorAnswer, Freeze, pageOf } from "../contract.ts";
import { operation } from "../operation.ts";

export const FreezePage = pageOf(Freeze);

export const listFreezes = operation({
  method: "get",
  path: "/v1/freezes",
  summary: "Freezes, the newest first. There are none yet.",
  answers: { 200: { means: "a page", schema: FreezePage } },
  handle: () => json(200, { items: [] }),
});

/** Saying yes and freezing nothing would be worse than saying no. */
export const startFreeze = operation({
  method: "post",
  path: "/v1/freezes",
  summary: "Not served by this version.",
  answers: { 501: { means: "not yet", schema: ErrorAnswer } },
  handle() {
    throw new Refusal(501, "not-yet", "this version of Belay cannot freeze changes; nothing was frozen");
  },
});
