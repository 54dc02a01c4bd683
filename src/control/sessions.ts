import type { NodeIdentity } from "../core/node/node.ts";
import type { Reference } from "../core/resource/resource.ts";
import { agedAt, isQuiet } from "../core/xds/age.ts";
import { isMending } from "../core/xds/memory.ts";
import type { DeltaRequest, Dialect, Response, SotwRequest, StreamEvent } from "../core/xds/message.ts";
import type { ServingRules } from "../core/xds/round.ts";
import type { Heard, Step, Stream } from "../core/xds/stream.ts";
import { memoryOf, onDeltaRequest, onSotwRequest, openStream, poll, settle, setView } from "../core/xds/stream.ts";
import { isOwed } from "../core/xds/type-state.ts";
import { Asked } from "./asked.ts";
import type { CancelTimer, Clock } from "./clock.ts";
import type { View } from "./fleet.ts";
import type { LiveStream, NodeDesk, NodeEntry, StreamEnd } from "./node-entry.ts";
import { childrenOf, oweAll, pollAmong, tellingStreams } from "./node-streams.ts";
import { whyTooMuch } from "./node-weight.ts";
import type { Pushes } from "./pushes.ts";
import { afterAnswer, afterChange, afterPoll, isPushDue } from "./pushes.ts";

/** The socket's side of a stream: an xDS transport implements it, once for each stream. */
export interface StreamSink {
  /** @param isUrgent the client has nothing of this type yet, or waits for what it has asked for */
  send(response: Response, isUrgent: boolean): void;
  end(how: StreamEnd, why: string): void;
}

/** What an xDS transport is given for each stream. */
export interface XdsSession {
  /** What the stream's node is given goes by this name; empty as long as it is given nothing. */
  readonly group: string;
  /** A request, with the node where the request carried one. */
  onSotw(request: SotwRequest, node: NodeIdentity | undefined): void;
  onDelta(request: DeltaRequest, node: NodeIdentity | undefined): void;
  /** The stream is gone, whoever ended it. */
  onClosed(): void;
}

/** What sessions need besides the streams themselves. */
export interface SessionSettings {
  readonly clock: Clock;
  readonly times: ServingRules;
  /**
   * Runs soon, after the requests that are already here: they are answered together (P63). Urgent is what a client waits
   * for that is new, or warms; the rest are changes.
   */
  readonly defer: (work: () => void, isUrgent: boolean) => void;
  /** A few characters, as many and different for each stream. */
  readonly tag: () => string;
  /** Makes a client's words safe to store and to show: a refusal repeats the resource, private keys too (rule N7). */
  readonly redact: (text: string) => string;
}

/** What a stream is of: a dialect, and the one type of its service; undefined: all types, as on ADS. */
export interface StreamKind {
  readonly dialect: Dialect;
  readonly scope: string | undefined;
}

/** One stream in time: holds the value, feeds it, and does what it says. */
export class Session implements XdsSession, LiveStream {
  readonly #sink: StreamSink;
  readonly #settings: SessionSettings;
  readonly #desk: NodeDesk;
  readonly #dialect: Dialect;
  readonly scope: string | undefined;
  #entry: NodeEntry | undefined;
  #stream: Stream | undefined;
  /** Is a poll to come, and is it urgent? */
  #scheduled: "no" | "later" | "soon" = "no";
  /** The client has said something since the last poll. */
  #heard = false;
  /** And it has refused something. */
  #refused = false;
  /** It had when it came, on an earlier stream: nobody is told by a refusal that it still is as it was. */
  #isMending = false;
  #cancelWake: CancelTimer | undefined;
  #wakeAt: number | undefined;
  #closed = false;
  readonly #asked = new Asked();
  /** Undefined while no change is under way, as on most streams most of the time. */
  #pushes: Pushes;

  constructor(kind: StreamKind, sink: StreamSink, desk: NodeDesk, settings: SessionSettings) {
    this.#dialect = kind.dialect;
    this.scope = kind.scope;
    this.#sink = sink;
    this.#desk = desk;
    this.#settings = settings;
    desk.counters.streams[kind.dialect] += 1;
  }

  /** The stream as it is now; undefined before its first request. */
  get stream(): Stream | undefined {
    return this.#stream;
  }

  get group(): string {
    return this.#entry?.view?.group ?? "";
  }

  onSotw(request: SotwRequest, node: NodeIdentity | undefined): void {
    const names = this.#desk.names.one(request.names);
    const shared = names === request.names ? request : { ...request, names };
    const stream = this.#streamOf(node);
    if (stream !== undefined) this.#took(onSotwRequest(stream, this.#safe(shared)), shared);
  }

  onDelta(request: DeltaRequest, node: NodeIdentity | undefined): void {
    const subscribe = this.#desk.names.one(request.subscribe);
    const shared = subscribe === request.subscribe ? request : { ...request, subscribe };
    const stream = this.#streamOf(node);
    if (stream !== undefined) this.#took(onDeltaRequest(stream, this.#safe(shared)), shared);
  }

  onClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#desk.counters.streams[this.#dialect] -= 1;
    this.#cancelWake?.();
    const entry = this.#entry;
    if (entry === undefined) return;
    const memory = this.#stream === undefined ? undefined : memoryOf(this.#stream);
    this.#desk.leave(entry, this, memory);
  }

  /** Ends the stream from our side. */
  end(how: StreamEnd, why: string): void {
    if (this.#closed) return;
    this.#sink.end(how, why);
    this.onClosed();
  }

  adopt(view: View | undefined, since: number): void {
    const before = this.#stream;
    if (before === undefined || this.#closed) return;
    this.#stream = setView(before, view?.snapshot, this.#settings.clock.now());
    if (before.view === undefined || before.view === this.#stream.view) return;
    this.#pushes = afterChange(this.#pushes, before, this.#stream, since);
  }

  get owesChange(): boolean {
    return isPushDue(this.#pushes);
  }

  refresh(): void {
    this.#flush();
  }

  owe(children: readonly Reference[]): void {
    if (this.#stream === undefined || this.#closed) return;
    const owing = oweAll(this.#stream, children);
    if (owing === this.#stream) return;
    this.#stream = owing;
    this.#schedule();
  }

  mayRetire(now: number, ageMs: number): boolean {
    const stream = this.#stream;
    if (stream === undefined || this.#scheduled !== "no" || now < agedAt(stream, ageMs)) return false;
    return stream.view === undefined || isQuiet(stream);
  }

  wake(): void {
    if (this.#stream === undefined || this.#closed) return;
    if (this.#stream.removals.size > 0 || this.#stream.waiting.size > 0) this.#schedule();
  }

  #safe<R extends SotwRequest | DeltaRequest>(request: R): R {
    if (request.error === undefined) return request;
    return { ...request, error: { ...request.error, message: this.#settings.redact(request.error.message) } };
  }

  /** The stream that a request is for, up to date with what the request says of the node; undefined: it is over. */
  #streamOf(node: NodeIdentity | undefined): Stream | undefined {
    if (this.#closed) return undefined;
    if (this.#entry === undefined && (node === undefined || node.id === "")) {
      this.end("invalid-argument", "the first request of a stream must carry a node with an id");
      return undefined;
    }
    const tooMuch = node && whyTooMuch(node);
    if (tooMuch !== undefined) {
      this.end("invalid-argument", tooMuch);
      return undefined;
    }
    if (node !== undefined) this.#identify(node);
    if (this.#entry !== undefined) this.#desk.catchUp(this.#entry);
    return this.#stream;
  }

  #took({ stream, events }: Heard, request: SotwRequest | DeltaRequest): void {
    const tooMuch = this.#asked.add(request, this.#stream?.types, stream.types);
    this.#stream = stream;
    if (tooMuch !== undefined) return this.end("invalid-argument", tooMuch);
    this.#report(events);
    if (events.length > 0 && this.#hasSettled(stream)) return;
    this.#heard = true;
    this.#schedule(isWaitedFor(stream));
  }

  /** Is there nothing to say after an answer, and no other stream to be told? So it is with most ACKs: they take no turn. */
  #hasSettled(stream: Stream): boolean {
    const entry = this.#entry;
    if (entry === undefined || entry.streams.length > 1 || this.#scheduled !== "no") return false;
    if (this.#pushes !== undefined || this.#refused || this.#isMending) return false;
    const settled = settle(stream, this.#settings.clock.now(), this.#settings.times);
    if (settled === undefined) return false;
    this.#stream = settled;
    this.#desk.moved(entry);
    return true;
  }

  #identify(node: NodeIdentity): void {
    const now = this.#settings.clock.now();
    const known = this.#entry;
    if (known !== undefined) {
      this.#desk.rename(known, node);
      return;
    }
    const { entry, memory, isNews } = this.#desk.join(node, this);
    this.#entry = entry;
    this.#isMending = isMending(memory);
    const opened = openStream(this.#dialect, this.#settings.tag(), memory, now);
    this.#stream = setView(opened, entry.view?.snapshot, now);
    if (isNews) this.#desk.announce(entry);
  }

  #schedule(isUrgent = false): void {
    if (this.#scheduled === "soon" || (this.#scheduled === "later" && !isUrgent)) return;
    this.#scheduled = isUrgent ? "soon" : "later";
    this.#settings.defer(() => {
      // What was put off as less urgent has been done by now.
      if (this.#scheduled !== "no") this.#flush();
    }, isUrgent);
  }

  #flush(): void {
    const isUrgent = this.#scheduled === "soon";
    this.#scheduled = "no";
    const entry = this.#entry;
    if (entry !== undefined) this.#desk.catchUp(entry);
    const before = this.#stream;
    if (this.#closed || before === undefined || entry === undefined) return;
    const { clock, times } = this.#settings;
    const now = clock.now();
    const isAlone = entry.streams.length < 2;
    const step = isAlone ? poll(before, now, times) : this.#pollAmong(entry, before, now);
    const { responses, events } = step;
    this.#stream = step.stream;
    if (this.#pushes !== undefined) this.#pushes = afterPoll(this.#pushes, step.stream, responses);
    for (let index = 0; index < responses.length; index += 1) this.#sink.send(responses[index] as Response, isUrgent);
    this.#report(events);
    if (!isAlone) this.#tellOthers(entry, childrenOf(before, responses), responses.length > 0);
    this.#heard = false;
    this.#desk.moved(entry);
    if (this.#refused || this.#isMending) this.#desk.decided(entry);
    this.#refused = false;
    this.#wakeBy(step.wakeAt, now);
  }

  #pollAmong(entry: NodeEntry, before: Stream, now: number): Step {
    const among = { telling: streamsOf(this.#others(entry)), all: this.#beside(entry) };
    return pollAmong(before, among, now, this.#settings.times);
  }

  #tellOthers(entry: NodeEntry, children: readonly Reference[], hasSaid: boolean): void {
    const others = this.#others(entry);
    if (children.length > 0) for (const other of others) other.owe(children);
    // Only for news: two streams that wait for each other would never rest.
    if (this.#heard || hasSaid) for (const other of others) other.wake();
  }

  /** One timer, set anew only for another moment. */
  #wakeBy(moment: number | undefined, now: number): void {
    if (moment === this.#wakeAt) return;
    this.#cancelWake?.();
    this.#wakeAt = moment;
    this.#cancelWake =
      moment === undefined ? undefined : this.#settings.clock.after(moment - now, () => this.#wakeUp());
  }

  #wakeUp(): void {
    this.#wakeAt = undefined;
    this.#cancelWake = undefined;
    this.#flush();
  }

  /** All of the node's other streams, for a service whose streams have few names each; ADS has but one that counts. */
  #beside({ streams }: NodeEntry): readonly Stream[] {
    return this.scope === undefined ? [] : streamsOf(streams.filter((stream) => stream !== this));
  }

  /** The node's other streams, where this one tells with them what the node has. */
  #others({ streams }: NodeEntry): readonly LiveStream[] {
    const telling = tellingStreams(streams);
    return telling.includes(this) ? telling.filter((stream) => stream !== this) : [];
  }

  #report(events: readonly StreamEvent[]): void {
    const entry = this.#entry;
    if (entry === undefined) return;
    for (let index = 0; index < events.length; index += 1) {
      const event = events[index] as StreamEvent;
      if (this.#pushes !== undefined && event.kind !== "repaired")
        this.#pushes = afterAnswer(this.#pushes, event, this.#settings.clock.now(), this.#desk.counters);
      this.#refused ||= event.kind === "refused";
      this.#desk.report(entry, this, event);
    }
  }
}

/** Does the client wait for anything: a first answer, or what it has asked for? */
function isWaitedFor({ types }: Stream): boolean {
  for (const state of types.values())
    if (state.inflight === undefined && (state.nonce === "" || isOwed(state))) return true;
  return false;
}

function streamsOf(live: readonly LiveStream[]): readonly Stream[] {
  return live.flatMap(({ stream }) => (stream === undefined ? [] : [stream]));
}
