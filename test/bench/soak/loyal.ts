import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { connect } from "node:http2";
import type { Dialect } from "../xds/wire.ts";
import { encodeHeld, encodeNames, encodeNode, encodeRequest, MessageCutter } from "../xds/wire.ts";
import type { Content, Held } from "./messages.ts";
import type { Answer } from "./wire.ts";
import { CLUSTER, ENDPOINTS, encodeUnsubscribed, LISTENER, pathOf, ROUTES, readAnswer, TYPES } from "./wire.ts";

/** What one client has of a type, and where it asks for it. */
interface Typed {
  readonly path: string;
  /** Undefined: all there are. */
  names: readonly string[] | undefined;
  version: string;
  nonce: string;
  /** Name → hash of the content. */
  readonly held: Map<string, string>;
  /** Name → version, where the dialect says them. */
  readonly versions: Map<string, string>;
}

export interface LoyalPlan {
  readonly port: number;
  readonly id: string;
  readonly group: string;
  readonly dialect: Dialect;
  /** Whether each type is asked for of its own service. */
  readonly separate: boolean;
  readonly complain: (what: string) => void;
}

/** A child of these is asked for by the names of its parents. */
const CHILD: Readonly<Record<string, string>> = { [CLUSTER]: ENDPOINTS, [LISTENER]: ROUTES };

/** As an Envoy waits before it comes back. */
const BACK_MS = 100;

/** A client that stays and behaves as an Envoy does: asks for what its clusters and listeners need, keeps it, comes back. */
export class LoyalClient {
  readonly #plan: LoyalPlan;
  #session: ClientHttp2Session;
  readonly #types = new Map<string, Typed>();
  /** By path. */
  readonly #streams = new Map<string, ClientHttp2Stream>();
  /** Streams that have said who is asking. */
  readonly #known = new WeakSet<ClientHttp2Stream>();
  acks = 0;
  /** How often one of its streams was ended because of its age. */
  returns = 0;

  constructor(plan: LoyalPlan) {
    this.#plan = plan;
    this.#session = this.#connect();
    for (const typeUrl of TYPES) {
      const path = pathOf(plan.dialect, plan.separate ? typeUrl : undefined);
      const names = typeUrl === CLUSTER || typeUrl === LISTENER ? undefined : [];
      this.#types.set(typeUrl, { path, names, version: "", nonce: "", held: new Map(), versions: new Map() });
    }
    for (const typeUrl of [CLUSTER, LISTENER]) this.#say(typeUrl, Buffer.alloc(0));
  }

  get held(): Held {
    const { id, group } = this.#plan;
    const content = [...this.#types].map(([typeUrl, { held }]) => [typeUrl, Object.fromEntries(held)] as const);
    return { id, group, content: Object.fromEntries(content) as Content };
  }

  #connect(): ClientHttp2Session {
    const { port, id, complain } = this.#plan;
    const session = connect(`http://127.0.0.1:${port}`);
    session.on("error", (error) => complain(`the connection of ${id} broke: ${error.message}`));
    return session;
  }

  #open(path: string): ClientHttp2Stream {
    const { id, dialect, complain } = this.#plan;
    if (this.#session.closed || this.#session.destroyed) this.#session = this.#connect();
    const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
    const stream = this.#session.request(headers, { endStream: false });
    let status = "no status";
    let isAnswered = false;
    stream.on("response", (headers) => {
      isAnswered = true;
      // Where nothing was sent before, the status stands in the headers.
      status = String(headers["grpc-status"] ?? status);
    });
    const cutter = new MessageCutter((message) => this.#take(readAnswer(dialect, message)));
    stream.on("data", (chunk: Buffer) => cutter.push(chunk));
    stream.on("trailers", (trailers) => (status = String(trailers["grpc-status"])));
    stream.on("error", (error) => complain(`a stream of ${id} broke: ${error.message}`));
    stream.on("close", () => {
      // One that was begun while its connection was on its way out was never taken: it is begun again on the next.
      const isUntaken = !isAnswered && status === "no status";
      if (status !== "0" && !isUntaken) complain(`the server ended a stream of ${id} with ${status}`);
      this.#streams.delete(path);
      this.returns += 1;
      setTimeout(() => this.#comeBack(path), BACK_MS);
    });
    return stream;
  }

  /** Asks again for all that was asked for on the stream, and says what it has of it. */
  #comeBack(path: string): void {
    for (const [typeUrl, typed] of this.#types) {
      if (typed.path !== path) continue;
      typed.nonce = "";
      const isDelta = this.#plan.dialect === "delta";
      // What it has not asked for by any name it did not ask for at all.
      if (typed.names?.length === 0) continue;
      const names = encodeNames(typed.names ?? []);
      this.#say(typeUrl, isDelta ? Buffer.concat([names, encodeHeld(typed.versions)]) : names);
    }
  }

  #take(answer: Answer): void {
    const typed = this.#types.get(answer.typeUrl);
    if (typed === undefined) {
      this.#plan.complain(`${this.#plan.id} was sent ${answer.typeUrl}`);
      return;
    }
    // SotW says of clusters and listeners all that there are.
    if (this.#plan.dialect === "sotw" && typed.names === undefined) typed.held.clear();
    for (const name of answer.removed) drop(typed, name);
    for (const [name, { hash, version }] of answer.resources) {
      if (typed.names !== undefined && !typed.names.includes(name)) continue;
      typed.held.set(name, hash);
      typed.versions.set(name, version);
    }
    [typed.version, typed.nonce] = [answer.version, answer.nonce];
    this.acks += 1;
    this.#say(answer.typeUrl, this.#wanted(typed));
    const child = CHILD[answer.typeUrl];
    if (child !== undefined) this.#want(child, [...typed.held.keys()]);
  }

  /** SotW says its names each time, delta only what changes of them. */
  #wanted({ names }: Typed): Buffer {
    return this.#plan.dialect === "delta" ? Buffer.alloc(0) : encodeNames(names ?? []);
  }

  #want(typeUrl: string, names: readonly string[]): void {
    const typed = this.#types.get(typeUrl) as Typed;
    const before = new Set(typed.names);
    const now = new Set(names);
    const gone = [...before].filter((name) => !now.has(name));
    const come = names.filter((name) => !before.has(name));
    if (gone.length + come.length === 0) return;
    typed.names = names;
    for (const name of gone) drop(typed, name);
    if (this.#plan.dialect === "sotw") this.#say(typeUrl, encodeNames(names));
    else this.#say(typeUrl, Buffer.concat([encodeNames(come), encodeUnsubscribed(gone)]), "");
  }

  /** On a stream that is about to end nothing is said: all of it is said again on the next one. */
  #say(typeUrl: string, names: Buffer, nonce = this.#types.get(typeUrl)?.nonce ?? ""): void {
    const { id, group, dialect } = this.#plan;
    const { path, version } = this.#types.get(typeUrl) as Typed;
    const stream = this.#streams.get(path) ?? this.#open(path);
    this.#streams.set(path, stream);
    if (!stream.writable) return;
    const node = this.#known.has(stream) ? {} : { node: encodeNode(id, group) };
    this.#known.add(stream);
    stream.write(encodeRequest(dialect, { ...node, typeUrl, names, version, nonce }));
  }
}

function drop(typed: Typed, name: string): void {
  typed.held.delete(name);
  typed.versions.delete(name);
}
