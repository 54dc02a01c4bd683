import type { Fleet, NodeStatus } from "../control/fleet.ts";
import type { IdMatcher } from "../core/node/id-matcher.ts";
import { matchesAny } from "../core/node/id-matcher.ts";
import type { Call, CallHandler, Method } from "./call.ts";
import { statusResponse } from "./client-status-bytes.ts";
import { readStatusRequest } from "./client-status-reader.ts";
import { framed } from "./framing.ts";
import { GrpcError, STATUS } from "./status.ts";
import { unary } from "./unary.ts";

const SERVICE = "/envoy.service.status.v3.ClientStatusDiscoveryService";

/** Requests of a stream that may wait while an answer is on its way. */
const MAX_WAITING = 16;

/** A client that does not take an answer for this long is given up, in milliseconds. */
const STALL_MS = 60_000;

/** Tools ask, not nodes. */
const ACCESS = { rpc: "client-status", node: undefined, typeUrl: "" } as const;

const OK = { code: STATUS.ok, message: "" };

/** The Client Status Discovery Service: what each connected node has of what it should have. */
export function clientStatusRoutes(fleet: Pick<Fleet, "nodes" | "node">): Map<string, Method> {
  return new Map<string, Method>([
    [
      `${SERVICE}/FetchClientStatus`,
      unary(async (bytes, call) => {
        const asked = readStatusRequest(bytes);
        call.admit(ACCESS);
        return framed(statusResponse(nodesFor(fleet, asked)));
      }),
    ],
    [`${SERVICE}/StreamClientStatus`, (call: Call) => new StatusStream(call, fleet)],
  ]);
}

/** A stream of questions: each is answered in turn, with what is true when its answer leaves. */
class StatusStream implements CallHandler {
  readonly #call: Call;
  readonly #fleet: Pick<Fleet, "nodes" | "node">;
  readonly #waiting: (readonly IdMatcher[])[] = [];
  #isAdmitted = false;
  #isBusy = false;
  #isLast = false;

  constructor(call: Call, fleet: Pick<Fleet, "nodes" | "node">) {
    this.#call = call;
    this.#fleet = fleet;
  }

  onMessage(bytes: Buffer): void {
    if (!this.#isAdmitted) this.#call.admit(ACCESS);
    this.#isAdmitted = true;
    if (this.#waiting.length >= MAX_WAITING) {
      throw new GrpcError(STATUS.resourceExhausted, `more than ${MAX_WAITING} requests wait for their answer`);
    }
    this.#waiting.push(readStatusRequest(bytes));
    this.#answer();
  }

  onHalfClosed(): void {
    this.#isLast = true;
    this.#answer();
  }

  onClosed(): void {
    this.#waiting.length = 0;
  }

  #answer(): void {
    if (this.#isBusy) return;
    const asked = this.#waiting.shift();
    if (asked === undefined) {
      if (this.#isLast) this.#call.end(OK);
      return;
    }
    this.#isBusy = true;
    const stall = setTimeout(() => this.#call.cut(), STALL_MS).unref();
    this.#call.send(framed(statusResponse(nodesFor(this.#fleet, asked))), () => {
      clearTimeout(stall);
      this.#isBusy = false;
      this.#answer();
    });
  }
}

/** A node that is not connected has no status: what it holds is not known. */
function nodesFor(fleet: Pick<Fleet, "nodes" | "node">, matchers: readonly IdMatcher[]): readonly NodeStatus[] {
  const nodes = isNamed(matchers)
    ? [...new Set(matchers.map(({ text }) => text))].flatMap((id) => fleet.node(id) ?? [])
    : fleet.nodes().filter(({ identity }) => matchesAny(matchers, identity.id));
  return nodes.filter(({ connected }) => connected);
}

/** Are all of them ids? Then the fleet need not be gone through. */
function isNamed(matchers: readonly IdMatcher[]): boolean {
  return matchers.length > 0 && matchers.every(({ kind, ignoreCase }) => kind === "exact" && !ignoreCase);
}
