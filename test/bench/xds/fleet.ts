import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { connect } from "node:http2";
import type { Dialect, Envelope, RequestParts } from "./wire.ts";
import { countOf, encodeNode, encodeRequest, METHODS, MessageCutter, readEnvelope, readVersions } from "./wire.ts";

/** Envoy's windows: a client that reads is never what a response waits for. */
const STREAM_WINDOW = 16 * 1024 ** 2;
const CONNECTION_WINDOW = 24 * 1024 ** 2;

/** The clients of a case. All streams of a fleet ask for one type. */
export interface FleetPlan {
  readonly port: number;
  readonly streams: number;
  readonly perConnection: number;
  readonly dialect: Dialect;
  readonly group: string;
  readonly typeUrl: string;
  /** The encoded names a stream asks for; undefined is all there is. */
  readonly names: (stream: number) => Buffer | undefined;
  /** Resources that a stream waits for before it counts as synced. */
  readonly expected: number;
  /** What the clients hold from before, and say in their first request. */
  readonly claim?: Pick<RequestParts, "version" | "held">;
  readonly idPrefix?: string;
  readonly window?: number;
  /** Once synced, a stream never reads again. */
  readonly stalls?: boolean;
  /** Whether the first stream notes the version of each resource. */
  readonly notesVersions?: boolean;
}

/** Something that every stream is to see: so many resources with a mark. */
interface Awaited {
  readonly mark: Buffer;
  readonly count: number;
  readonly receivedAt: number[];
  readonly done: () => void;
  left: number;
}

/** Many xDS clients in one process. They acknowledge as Envoy does, and keep nothing of what they are sent. */
export class Fleet {
  readonly #plan: FleetPlan;
  readonly #sessions: ClientHttp2Session[] = [];
  readonly #streams: AdsStream[] = [];
  readonly #failed: Promise<never>;
  #fail: (error: Error) => void = () => {};
  #onSynced: () => void = () => {};
  #unsynced: number;
  #isClosed = false;
  awaited: Awaited | undefined;
  refuses = false;
  messages = 0;
  bytes = 0;
  /** The first stream's resources and their versions, where the plan says so. */
  readonly versions = new Map<string, string>();
  /** Called for a response of a type that the plan does not name. */
  onOtherType: (stream: AdsStream) => void = () => {};
  readonly #synced: Promise<void>;

  /** Opens all streams at once. */
  constructor(plan: FleetPlan) {
    this.#plan = plan;
    this.#unsynced = plan.streams;
    this.#failed = new Promise((_, reject) => (this.#fail = reject));
    this.#failed.catch(() => {});
    this.#synced = new Promise((resolve) => (this.#onSynced = resolve));
    for (let n = 0; n < plan.streams; n += 1) {
      if (n % plan.perConnection === 0) this.#sessions.push(this.#connect());
      const session = this.#sessions.at(-1);
      if (session !== undefined) this.#streams.push(new AdsStream(this, plan, session, n));
    }
  }

  get streams(): readonly AdsStream[] {
    return this.#streams;
  }

  synced(): Promise<void> {
    return Promise.race([this.#synced, this.#failed]);
  }

  /** When each stream had the mark `count` times, in milliseconds of `performance.now()`. Ask before the change is made. */
  async received(mark: string, count: number): Promise<readonly number[]> {
    const receivedAt: number[] = [];
    const seen = new Promise<void>((done) => {
      this.awaited = { mark: Buffer.from(mark), count, receivedAt, done, left: this.#plan.streams };
    });
    await Promise.race([seen, this.#failed]);
    return receivedAt;
  }

  close(): void {
    this.#isClosed = true;
    for (const session of this.#sessions) session.destroy();
  }

  /** A stream that ends or breaks ends the case: a server that loses clients has no figures. */
  lost(reason: string): void {
    if (!this.#isClosed) this.#fail(new Error(reason));
  }

  streamSynced(): void {
    this.#unsynced -= 1;
    if (this.#unsynced === 0) this.#onSynced();
  }

  #connect(): ClientHttp2Session {
    const session = connect(`http://127.0.0.1:${this.#plan.port}`, {
      settings: { initialWindowSize: this.#plan.window ?? STREAM_WINDOW, enablePush: false },
      maxSessionMemory: 1_000,
      peerMaxConcurrentStreams: 1_000,
    });
    session.setMaxListeners(0);
    if (this.#plan.window === undefined) {
      session.once("connect", () => session.setLocalWindowSize(CONNECTION_WINDOW));
    }
    session.on("error", (error) => this.lost(`a connection broke: ${error.message}`));
    return session;
  }
}

/** One stream of ADS. */
export class AdsStream {
  readonly #fleet: Fleet;
  readonly #plan: FleetPlan;
  readonly #names: Buffer | undefined;
  readonly #stream: ClientHttp2Stream;
  readonly #isNoting: boolean;
  #got = 0;
  #isSynced = false;
  #awaited: Awaited | undefined;
  #marks = 0;
  version = "";
  nonce = "";

  constructor(fleet: Fleet, plan: FleetPlan, session: ClientHttp2Session, n: number) {
    this.#fleet = fleet;
    this.#plan = plan;
    this.#names = plan.names(n);
    this.#isNoting = plan.notesVersions === true && n === 0;
    const path = METHODS[plan.dialect];
    this.#stream = session.request(
      { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" },
      { endStream: false },
    );
    const cutter = new MessageCutter((message) => this.#take(message));
    this.#stream.on("data", (chunk: Buffer) => cutter.push(chunk));
    this.#stream.on("error", (error) => fleet.lost(`a stream broke: ${error.message}`));
    this.#stream.on("end", () => fleet.lost("the server ended a stream"));
    const node = encodeNode(`${plan.idPrefix ?? "client"}-${n}`, plan.group);
    this.#stream.write(encodeRequest(plan.dialect, { node, ...this.#subscription(), ...plan.claim }));
  }

  /** Asks for a type that the plan does not name. */
  ask(typeUrl: string): void {
    this.#stream.write(encodeRequest(this.#plan.dialect, { typeUrl }));
  }

  /** Acknowledges the last response so many times, in one write. */
  acknowledgeAgain(times: number): void {
    const one = encodeRequest(this.#plan.dialect, this.#acknowledgement(this.version, this.nonce));
    this.#stream.write(Buffer.concat(Array.from({ length: times }, () => one)));
  }

  #subscription(): RequestParts {
    return { typeUrl: this.#plan.typeUrl, ...(this.#names !== undefined && { names: this.#names }) };
  }

  /** SotW says in each request what it wants, delta only once. */
  #acknowledgement(version: string, nonce: string): RequestParts {
    if (this.#plan.dialect === "delta") return { typeUrl: this.#plan.typeUrl, nonce };
    return { ...this.#subscription(), version, nonce };
  }

  #take(message: Buffer): void {
    const now = performance.now();
    this.#fleet.messages += 1;
    this.#fleet.bytes += message.length;
    const envelope = readEnvelope(message);
    if (envelope.typeUrl !== this.#plan.typeUrl) {
      this.#fleet.onOtherType(this);
      return;
    }
    if (this.#isNoting) for (const [name, version] of readVersions(message)) this.#fleet.versions.set(name, version);
    this.#answer(envelope);
    this.#look(message, now);
    if (!this.#isSynced) this.#countResources(envelope.resources);
  }

  #answer({ version, nonce }: Envelope): void {
    const { dialect } = this.#plan;
    if (this.#fleet.refuses) {
      const request = { ...this.#acknowledgement(this.version, nonce), refusal: "the benchmark refuses this" };
      this.#stream.write(encodeRequest(dialect, request));
      return;
    }
    this.version = version;
    this.nonce = nonce;
    this.#stream.write(encodeRequest(dialect, this.#acknowledgement(version, nonce)));
  }

  /** Looks for what the fleet waits for: in one response in SotW, in all since the change in delta. */
  #look(message: Buffer, now: number): void {
    const { awaited } = this.#fleet;
    if (awaited === undefined) return;
    if (awaited !== this.#awaited) [this.#awaited, this.#marks] = [awaited, 0];
    if (this.#marks >= awaited.count) return;
    const found = countOf(awaited.mark, message);
    this.#marks = this.#plan.dialect === "delta" ? this.#marks + found : Math.max(this.#marks, found);
    if (this.#marks < awaited.count) return;
    awaited.receivedAt.push(now);
    awaited.left -= 1;
    if (awaited.left === 0) awaited.done();
  }

  #countResources(count: number): void {
    this.#got += count;
    if (this.#got < this.#plan.expected) return;
    this.#isSynced = true;
    if (this.#plan.stalls === true) this.#stream.pause();
    this.#fleet.streamSynced();
  }
}
