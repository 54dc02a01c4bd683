import type { Resource } from "../../../src/core/resource/resource.ts";
import { CLUSTER, ENDPOINTS, LISTENER, ROUTES } from "../../../src/core/resource/type-url.ts";
import type { DeltaRequest, Dialect, Response, SotwRequest } from "../../../src/core/xds/message.ts";

/** A request that carries neither dialect's own fields yet. */
export type ModelRequest =
  | { readonly dialect: "sotw"; readonly request: SotwRequest }
  | { readonly dialect: "delta"; readonly request: DeltaRequest };

interface TypeModel {
  /** What serves traffic. */
  inForce: Map<string, Resource>;
  /** What it acknowledged last, name by name. */
  acked: Map<string, string>;
  /** What it had acknowledged when it last refused something; undefined: it has refused nothing. */
  ackedBefore: Map<string, string> | undefined;
  refusals: number;
  /** It came back with nothing: what it has refused is kept from it, and what it takes next is what it goes back to. */
  beganAnew: boolean;
  /** What it tells a server it has: what it acknowledged, whatever a refusal left in force (rule N15). */
  reported: Map<string, string>;
  version: string;
  nonce: string;
  names: Set<string>;
}

const WATCHED: readonly (readonly [parent: string, child: string])[] = [
  [CLUSTER, ENDPOINTS],
  [LISTENER, ROUTES],
];

/** Envoy's words about a refused response: it names the clusters and listeners that it could not take (N4, N5). */
function wordsOf({ resources }: Response): string {
  const bad = resources.filter(({ version }) => version.startsWith("bad"));
  return `Error adding/updating cluster(s) ${bad.map(({ name }) => `${name}: refused`).join(", ")}`;
}

/**
 * An Envoy as far as the protocol shows it: wildcard clusters and listeners, the endpoints and routes that these name,
 * partial application of refused responses (rules N4–N6), its own account of what it has after a reconnect (R3, D2).
 */
export class EnvoyModel {
  readonly #dialect: Dialect;
  readonly #types = new Map<string, TypeModel>();
  /** Decides which good resources of a refused response are applied all the same. */
  readonly #applies: (name: string) => boolean;
  readonly outbox: ModelRequest[] = [];

  constructor(dialect: Dialect, applies: (name: string) => boolean) {
    this.#dialect = dialect;
    this.#applies = applies;
    for (const typeUrl of [CLUSTER, ENDPOINTS, LISTENER, ROUTES]) {
      this.#types.set(typeUrl, {
        inForce: new Map(),
        acked: new Map(),
        ackedBefore: undefined,
        refusals: 0,
        beganAnew: false,
        reported: new Map(),
        version: "",
        nonce: "",
        names: new Set(),
      });
    }
  }

  inForce(typeUrl: string): Map<string, Resource> {
    return this.#type(typeUrl).inForce;
  }

  /** What it acknowledged last, what it had acknowledged before its last refusal, and how often it has refused. */
  account(typeUrl: string): Pick<TypeModel, "acked" | "ackedBefore" | "refusals"> {
    return this.#type(typeUrl);
  }

  /** A new stream: one request for each type, nonces forgotten, versions and names kept. */
  connect(): void {
    this.outbox.length = 0;
    for (const state of this.#types.values()) {
      state.nonce = "";
      state.beganAnew = state.version === "" && state.reported.size === 0;
    }
    for (const [parent, child] of WATCHED) {
      this.#first(parent);
      if (this.#type(child).names.size > 0) this.#first(child);
    }
  }

  receive(response: Response): void {
    const { typeUrl } = response;
    const state = this.#type(typeUrl);
    state.nonce = response.nonce;
    const bad = response.resources.some(({ version }) => version.startsWith("bad"));
    if (bad) this.#refuse(state, response);
    else this.#accept(state, response);
    this.#answer(state, response, bad);
    for (const [parent, child] of WATCHED) if (parent === typeUrl) this.#follow(parent, child);
  }

  #accept(state: TypeModel, response: Response): void {
    if (this.#isWhole(response.typeUrl)) {
      state.inForce.clear();
      state.reported.clear();
      state.acked.clear();
    }
    for (const resource of response.resources) {
      // What it did not ask for, or no longer does, is ignored (rule U6).
      if (!this.#isWildcard(response.typeUrl) && !state.names.has(resource.name)) continue;
      state.inForce.set(resource.name, resource);
      state.reported.set(resource.name, resource.version);
      state.acked.set(resource.name, resource.version);
    }
    for (const name of response.removed) {
      // Routes and endpoints stay in force when they are said to be gone (rule U10).
      if (this.#isWildcard(response.typeUrl)) state.inForce.delete(name);
      state.reported.delete(name);
      state.acked.delete(name);
    }
    state.version = response.version;
    if (state.beganAnew && state.ackedBefore !== undefined) state.ackedBefore = new Map(state.acked);
    state.beganAnew = false;
  }

  #refuse(state: TypeModel, response: Response): void {
    state.refusals += 1;
    state.ackedBefore = new Map(state.acked);
    for (const resource of response.resources) {
      if (resource.version.startsWith("bad") || !this.#applies(resource.name)) continue;
      if (!this.#isWildcard(response.typeUrl) && !state.names.has(resource.name)) continue;
      state.inForce.set(resource.name, resource);
    }
    if (!this.#isWildcard(response.typeUrl)) return;
    const listed = new Set(response.resources.map(({ name }) => name));
    const gone = this.#isWhole(response.typeUrl)
      ? [...state.inForce.keys()].filter((name) => !listed.has(name))
      : response.removed;
    for (const name of gone) if (this.#applies(name)) state.inForce.delete(name);
  }

  #answer(state: TypeModel, response: Response, refused: boolean): void {
    const error = refused ? { error: { code: 13, message: wordsOf(response) } } : {};
    const { typeUrl, nonce } = response;
    if (this.#dialect === "delta") {
      const request = { typeUrl, nonce, subscribe: [], unsubscribe: [], initialVersions: new Map(), ...error };
      this.outbox.push({ dialect: "delta", request });
      return;
    }
    this.#ask(typeUrl, state, error);
  }

  /** Subscribes to what the parents in force name. */
  #follow(parent: string, child: string): void {
    const wanted = new Set([...this.inForce(parent).values()].flatMap(({ refs }) => refs.map(({ name }) => name)));
    const state = this.#type(child);
    const subscribe = [...wanted].filter((name) => !state.names.has(name));
    const unsubscribe = [...state.names].filter((name) => !wanted.has(name));
    if (subscribe.length + unsubscribe.length === 0) return;
    const begins = state.names.size === 0 && state.nonce === "";
    state.names = wanted;
    for (const name of unsubscribe) {
      state.inForce.delete(name);
      state.reported.delete(name);
    }
    if (begins && subscribe.length > 0) this.#first(child);
    else if (this.#dialect === "sotw") this.#ask(child, state, {});
    else {
      const request = { typeUrl: child, nonce: "", subscribe, unsubscribe, initialVersions: new Map<string, string>() };
      this.outbox.push({ dialect: "delta", request });
    }
  }

  #first(typeUrl: string): void {
    const state = this.#type(typeUrl);
    if (this.#dialect === "sotw") {
      this.#ask(typeUrl, state, {});
      return;
    }
    const subscribe = this.#isWildcard(typeUrl) ? [] : [...state.names];
    const request = { typeUrl, nonce: "", subscribe, unsubscribe: [], initialVersions: new Map(state.reported) };
    this.outbox.push({ dialect: "delta", request });
  }

  #ask(typeUrl: string, state: TypeModel, error: { error?: { code: number; message: string } }): void {
    const names = this.#isWildcard(typeUrl) ? [] : [...state.names];
    const request = { typeUrl, names, nonce: state.nonce, versionInfo: state.version, ...error };
    this.outbox.push({ dialect: "sotw", request });
  }

  #isWildcard(typeUrl: string): boolean {
    return typeUrl === CLUSTER || typeUrl === LISTENER;
  }

  #isWhole(typeUrl: string): boolean {
    return this.#dialect === "sotw" && this.#isWildcard(typeUrl);
  }

  #type(typeUrl: string): TypeModel {
    const state = this.#types.get(typeUrl);
    if (state === undefined) throw new Error(`the model knows no ${typeUrl}`);
    return state;
  }
}
