import { createHash } from "node:crypto";
import { ControlError } from "../../core/failure/control-error.ts";
import type { State } from "../../core/journal/state.ts";
import { inForce, rollbackTarget } from "../../core/rollout/target.ts";
import { changeSentences } from "../../core/rollout/words.ts";
import type { Serving } from "../backend.ts";
import { nodeObject } from "../object/node.ts";
import { rolloutObject } from "../object/rollout.ts";
import { statusObject } from "../object/status.ts";
import { operation } from "../operation.ts";
import { headline, type Scene } from "./headline.ts";
import { type Html, html, Html as Markup } from "./html.ts";
import { sections } from "./sections.ts";
import { SCRIPT, STYLE } from "./style.ts";

const ROLLOUTS_SHOWN = 10;
const DEFAULT_HOST = "127.0.0.1:7070";

const sha256 = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
/** Nothing from elsewhere, and of our own only these two texts. */
const POLICY = [
  "default-src 'none'",
  `style-src ${sha256(STYLE)}`,
  `script-src ${sha256(SCRIPT)}`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The status page: plain markup, rendered here, useful also without its script. */
export const page = operation({
  method: "get",
  path: "/",
  summary: "The status page.",
  answers: { 200: { means: "the page", type: "text/html" } },
  async handle({ backend, request }) {
    const scene = await sceneOf(backend, request);
    return new Response(pageHtml(scene).markup, {
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": POLICY,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      },
    });
  },
});

async function sceneOf(backend: Serving, request: Request): Promise<Scene> {
  const status = await statusObject(backend);
  const state = backend.controlPlane.state();
  const { host } = new URL(request.url);
  const newest = [...state.rollouts.values()].slice(-ROLLOUTS_SHOWN).reverse();
  return {
    status,
    rollouts: newest.map(rolloutObject),
    nodes: backend.controlPlane.nodes().map(nodeObject),
    backTo: backTo(state),
    command: host === DEFAULT_HOST ? "belay" : `belay --server http://${host}`,
  };
}

/** What a rollback without a target would do. */
function backTo(state: State): string[] | undefined {
  const current = inForce(state);
  if (current === null) return undefined;
  try {
    const found = rollbackTarget(state);
    return "target" in found ? changeSentences(current, found.target) : undefined;
  } catch (error) {
    if (error instanceof ControlError) return undefined;
    throw error;
  }
}

function pageHtml(scene: Scene): Html {
  const title = headline(scene);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title><link rel="icon" href="data:,"><style>${new Markup(STYLE)}</style>
<noscript><meta http-equiv="refresh" content="5"></noscript></head>
<body><header><b>belay</b> <span>${scene.status.belay} · xDS on ${scene.status.xds}</span></header>
<div id="silent" role="status" hidden></div>
<main><h1>${title}</h1>
${sections(scene)}
</main><script>${new Markup(SCRIPT)}</script></body></html>
`;
}
