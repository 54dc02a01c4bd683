import { json, text } from "../answer.ts";
import { ErrorAnswer, Status } from "../contract.ts";
import { statusObject } from "../object/status.ts";
import { operation } from "../operation.ts";

export const getStatus = operation({
  method: "get",
  path: "/v1/status",
  summary: "The whole control plane in one object; answers also while it is not ready.",
  answers: { 200: { means: "the status", schema: Status } },
  handle: async ({ backend }) => json(200, await statusObject(backend)),
});

export const getHealth = operation({
  method: "get",
  path: "/healthz",
  summary: "Is the process alive?",
  answers: { 200: { means: "alive", type: "text/plain" } },
  handle: () => text(200, "ok\n"),
});

export const getReady = operation({
  method: "get",
  path: "/readyz",
  summary: "Is its state loaded, and does it serve Envoys?",
  answers: { 200: { means: "ready", type: "text/plain" }, 503: { means: "not ready, and why", schema: ErrorAnswer } },
  handle({ backend }) {
    const { ready, why } = backend.controlPlane.readiness();
    if (ready) return text(200, "ok\n");
    return json(503, { error: { code: "not-ready", message: why ?? "it does not serve yet" } });
  },
});
