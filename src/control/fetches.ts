import type { NodeIdentity } from "../core/node/node.ts";
import { resourceOf } from "../core/snapshot/snapshot.ts";
import { NO_MEMORY } from "../core/xds/memory.ts";
import type { Response, SotwRequest } from "../core/xds/message.ts";
import { lastNonce } from "../core/xds/nonces.ts";
import type { Stream } from "../core/xds/stream.ts";
import { onSotwRequest, openStream, poll, setView } from "../core/xds/stream.ts";
import { lasting } from "../core/xds/ttl.ts";
import { weightOfNames, weightOfNode, weightOfText } from "../core/xds/weight.ts";
import type { CancelTimer } from "./clock.ts";
import type { View } from "./fleet.ts";
import type { LiveStream, NodeDesk, NodeEntry } from "./node-entry.ts";
import { whyTooMuch } from "./node-weight.ts";
import type { PollLimits } from "./recent-polls.ts";
import { RecentPolls } from "./recent-polls.ts";
import type { SessionSettings } from "./sessions.ts";
import { sha256 } from "./sha256.ts";

/** The answer to a request that stands for itself, on no stream. */
export type Fetched =
  /** Everything that was asked for. `isUnchanged`: the client said that it has just this. */
  | { readonly kind: "found"; readonly response: Response; readonly isUnchanged: boolean }
  /** Nothing of what was asked for exists. */
  | { readonly kind: "nothing" }
  /** Nothing is said to this node now, and why. */
  | { readonly kind: "unavailable"; readonly why: string }
  | { readonly kind: "invalid"; readonly why: string };

/**
 * Who has not asked again for so many times the interval between two polls is gone; before the second one, for this long in
 * milliseconds. Envoys poll every few seconds to a minute.
 */
const LEASE = { polls: 5, leastMs: 3_000, mostMs: 180_000 };

/** How long a node that has just come is waited for to be given its view, in milliseconds. */
const VIEW_MS = 1_000;

/**
 * Requests of clients that poll: REST, and unary gRPC. What one client asks again and again counts as a stream of its node,
 * so that its state is known like any other's: what it says to have is its ACK. Nothing is held back here, and nothing is in
 * order, for a poller comes when it likes.
 */
export class Fetches {
  readonly #desk: NodeDesk;
  readonly #settings: SessionSettings;
  readonly #polls: RecentPolls<Poll>;

  constructor(desk: NodeDesk, settings: SessionSettings, limits: Partial<PollLimits> = {}) {
    this.#desk = desk;
    this.#settings = settings;
    this.#polls = new RecentPolls(limits);
  }

  async answer(request: SotwRequest, node: NodeIdentity | undefined): Promise<Fetched> {
    if (node === undefined || node.id === "") return { kind: "invalid", why: "a request must carry a node with an id" };
    if (request.typeUrl === "") return { kind: "invalid", why: "a request must say the type that it asks for" };
    const tooMuch = whyTooMuch(node);
    if (tooMuch !== undefined) return { kind: "invalid", why: tooMuch };
    // As a digest: names of control characters are six times as long in JSON.
    const key = sha256(JSON.stringify([node.id, request.typeUrl, ...[...request.names].sort()]));
    const bytes = weightOfText(key) + weightOfNames(request.names) + weightOfNode(node);
    const known = this.#polls.again(key, bytes);
    const poll = known ?? new Poll(request.typeUrl, this.#settings, () => this.#polls.delete(key));
    if (known === undefined) this.#polls.add(key, poll, bytes);
    const answer = poll.ask(request, node, this.#desk);
    this.#makeRoom(key);
    return answer;
  }

  #makeRoom(latest: string): void {
    const takeBeyond = () => this.#polls.takeBeyond(latest);
    for (let gone = takeBeyond(); gone !== undefined; gone = takeBeyond()) {
      gone.end("unavailable", "more clients poll than are kept in mind: ask again");
    }
  }
}

/** A poller is given nothing instead of what it has refused: that is parked, and nothing more is to be decided. */
function decided(stream: Stream, typeUrl: string): Stream {
  const state = stream.types.get(typeUrl);
  if (state === undefined) return stream;
  return { ...stream, types: new Map(stream.types).set(typeUrl, { ...state, refusal: undefined }) };
}

/** What one client polls: one type, and always the same names of it. */
class Poll implements LiveStream {
  readonly scope: string;
  readonly #settings: SessionSettings;
  readonly #forget: () => void;
  readonly #openedAt: number;
  #entry: NodeEntry | undefined;
  #desk: NodeDesk | undefined;
  #stream: Stream;
  #waiting: (() => void)[] = [];
  #cancelLease: CancelTimer = () => {};
  #askedAt: number | undefined;
  #ended: string | undefined;
  /** The version that was answered last, and the last one that was refused. */
  #given = "";
  #refused = "";

  constructor(typeUrl: string, settings: SessionSettings, forget: () => void) {
    this.scope = typeUrl;
    this.#settings = settings;
    this.#forget = forget;
    this.#openedAt = settings.clock.now();
    this.#stream = openStream("sotw", settings.tag(), NO_MEMORY, this.#openedAt);
  }

  get stream(): Stream {
    return this.#stream;
  }

  async ask(request: SotwRequest, node: NodeIdentity, desk: NodeDesk): Promise<Fetched> {
    if (this.#entry !== undefined) desk.catchUp(this.#entry);
    const entry = this.#identify(node, desk);
    this.#renew();
    if (request.error !== undefined) this.#refuse(request, entry);
    if (entry.view === undefined) await this.#viewIsGiven();
    const { view } = entry;
    if (this.#ended !== undefined) return { kind: "unavailable", why: this.#ended };
    if (view === undefined)
      return { kind: "unavailable", why: entry.unmatched ?? "nothing is there for this node yet" };
    return this.#look(request, entry, view);
  }

  adopt(view: View | undefined): void {
    this.#stream = setView(this.#stream, view?.snapshot, this.#settings.clock.now());
    // What is not there any more is not polled any more either, and nobody says so: it is not waited for.
    if (view !== undefined && !this.#hasAny(view) && (this.#entry?.streams.length ?? 0) > 1) this.#leave();
  }

  refresh(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  /** What it is not given it asks for. */
  readonly owesChange = false;

  owe(): void {}

  wake(): void {}

  mayRetire(): boolean {
    return false;
  }

  end(_how: string, why: string): void {
    this.#ended = why;
    this.#leave();
    this.refresh();
  }

  #hasAny({ snapshot }: View): boolean {
    const subscription = this.#stream.types.get(this.scope)?.subscription;
    if (subscription === undefined || subscription.wildcard) return true;
    return [...subscription.names].some((name) => resourceOf(snapshot, this.scope, name) !== undefined);
  }

  #renew(): void {
    const now = this.#settings.clock.now();
    const interval = this.#askedAt === undefined ? LEASE.mostMs : now - this.#askedAt;
    this.#askedAt = now;
    this.#cancelLease();
    const lease = Math.min(LEASE.mostMs, Math.max(LEASE.leastMs, LEASE.polls * interval));
    this.#cancelLease = this.#settings.clock.after(lease, () => this.#leave());
  }

  #identify(node: NodeIdentity, desk: NodeDesk): NodeEntry {
    if (this.#entry !== undefined) {
      desk.rename(this.#entry, node);
      return this.#entry;
    }
    const { entry, isNews } = desk.join(node, this);
    this.#entry = entry;
    this.#desk = desk;
    if (isNews) desk.announce(entry);
    return entry;
  }

  async #viewIsGiven(): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#settings.clock.after(VIEW_MS, resolve);
      this.#waiting.push(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Answers from the view as it is, as if the client had nothing; what it has is compared by version and by name. */
  #look(request: SotwRequest, entry: NodeEntry, view: View): Fetched {
    const { clock, tag, times } = this.#settings;
    const now = clock.now();
    const since = this.#stream.view === view.snapshot ? this.#stream.viewSince : now;
    const fresh = setView(openStream("sotw", tag(), NO_MEMORY, this.#openedAt), view.snapshot, since);
    const asking = { typeUrl: request.typeUrl, names: request.names, versionInfo: "", nonce: "" };
    const { stream, responses } = poll(onSotwRequest(fresh, asking).stream, now, times);
    const response = responses[0] && lasting(responses[0]);
    if (response === undefined) {
      this.#stream = stream;
      return { kind: "nothing" };
    }
    const { version, nonce } = response;
    if (version === this.#refused) return { kind: "found", response, isUnchanged: true };
    const isUnchanged = request.versionInfo === version && (this.#given === version || request.names.length === 0);
    this.#stream = stream;
    if (isUnchanged) this.#acknowledge({ ...asking, versionInfo: version, nonce }, entry);
    else this.#given = version;
    return { kind: "found", response, isUnchanged };
  }

  #acknowledge(request: SotwRequest, entry: NodeEntry): void {
    const before = this.#refused;
    this.#refused = "";
    const { stream, events } = onSotwRequest(this.#stream, request);
    this.#stream = stream;
    for (const event of events) this.#desk?.report(entry, this, event);
    if (before !== "") this.#desk?.report(entry, this, { kind: "repaired", typeUrl: this.scope });
    this.#desk?.moved(entry);
  }

  /** A refusal is of what was answered last; it is not answered again until there is something else (P01). */
  #refuse(request: SotwRequest, entry: NodeEntry): void {
    const inflight = this.#stream.types.get(this.scope)?.inflight;
    if (inflight === undefined || request.error === undefined) return;
    const error = { ...request.error, message: this.#settings.redact(request.error.message) };
    const nonce = lastNonce(this.#stream.nonces, this.scope);
    const { stream, events } = onSotwRequest(this.#stream, { ...request, nonce, error });
    this.#stream = decided(stream, this.scope);
    this.#refused = inflight.version;
    for (const event of events) this.#desk?.report(entry, this, event);
  }

  #leave(): void {
    this.#cancelLease();
    this.#forget();
    // What a poller had is not remembered: it is answered in full when it comes back.
    if (this.#entry !== undefined) this.#desk?.leave(this.#entry, this, undefined);
    this.#entry = undefined;
  }
}
