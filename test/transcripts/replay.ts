import type { Digest, Finding, Reference, Resource } from "../../src/core/resource/resource.ts";
import * as types from "../../src/core/resource/type-url.ts";
import type { Snapshot } from "../../src/core/snapshot/snapshot.ts";
import { snapshotOf } from "../../src/core/snapshot/snapshot.ts";
import { whatMayBeNeeded } from "../../src/core/xds/content.ts";
import { isConverged } from "../../src/core/xds/convergence.ts";
import type { NodeMemory } from "../../src/core/xds/memory.ts";
import { NO_MEMORY } from "../../src/core/xds/memory.ts";
import type { Dialect, Response, SentResource, StreamEvent } from "../../src/core/xds/message.ts";
import type { NackPolicy } from "../../src/core/xds/nack-policy.ts";
import type { Stream } from "../../src/core/xds/stream.ts";
import { memoryOf, onDeltaRequest, onSotwRequest, openStream, poll, setView } from "../../src/core/xds/stream.ts";

const TYPES: Readonly<Record<string, string>> = {
  cluster: types.CLUSTER,
  endpoints: types.ENDPOINTS,
  secret: types.SECRET,
  listener: types.LISTENER,
  routes: types.ROUTES,
  scope: types.SCOPED_ROUTES,
  vhost: types.VIRTUAL_HOST,
  extension: types.EXTENSION_CONFIG,
  runtime: types.RUNTIME,
};

const TIMES = { graceMs: 1_000, holdMs: 5_000 };

/** Equal text, equal digest; short and readable where a failing transcript shows it. */
const digest: Digest = (content) => {
  const text = typeof content === "string" ? content : content.join(",");
  let hash = 0n;
  for (const character of text)
    hash = (hash * 1_099_511n + BigInt(character.charCodeAt(0)) + 7n) & 0xffff_ffff_ffff_ffffn;
  return hash.toString(16).padStart(16, "0").repeat(3);
};

/** One line that goes in, and the lines that must come out of it. */
interface Exchange {
  readonly line: number;
  readonly input: string;
  readonly expected: string[];
}

/** A conversation that did not go as written. */
export interface Mismatch {
  readonly line: number;
  readonly input: string;
  readonly expected: readonly string[];
  readonly actual: readonly string[];
}

/**
 * Replays a conversation against the core. Lines that go in: `stream sotw|delta [same node]`, `view RESOURCE…`, `view none`,
 * `policy park|rollback|quarantine`, `policy retry AFTER_MS AT_MOST_MS ATTEMPTS`,
 * `> TYPE …`, `>> TYPE …` for a request that comes in the same moment as the next line, `wait MS`. Lines that come out: `< TYPE …` for a response, `! …` for an event, `= converged` after a step
 * that ends with the client in sync. A resource is `TYPE/NAME=CONTENT[DOMAINS](REFERENCES)`, where routes have
 * `on-demand` and `ignoring-ports` for domains; `CONTENT~BYTES` makes it so long, and `@MS` before the references its time to live. In a
 * response the brackets have aliases. `_` in an error stands for a space.
 */
export function replay(text: string): Mismatch[] {
  const conversation = new Conversation();
  const mismatches: Mismatch[] = [];
  for (const exchange of exchanges(text)) {
    const actual = conversation.step(exchange.input);
    if (JSON.stringify(actual) !== JSON.stringify(exchange.expected)) mismatches.push({ ...exchange, actual });
  }
  return mismatches;
}

function exchanges(text: string): Exchange[] {
  const list: Exchange[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/#.*$/, "").trim().replaceAll(/\s+/g, " ");
    if (line === "") continue;
    if (/^[<!=]/.test(line)) list.at(-1)?.expected.push(line);
    else list.push({ line: index + 1, input: line, expected: [] });
  }
  return list;
}

class Conversation {
  #now = 0;
  #stream: Stream = openStream("sotw", "s0-", NO_MEMORY, 0);
  #streams = 0;
  #view: Snapshot | undefined;
  #policy: NackPolicy = "park";
  /** By type URL: the last response of this stream. */
  readonly #last = new Map<string, Response>();
  readonly #versions = new Map<string, string>();

  step(input: string): string[] {
    const [verb = "", ...words] = input.split(" ");
    if (verb === "stream") return this.#open(words[0] as Dialect, words.slice(1).join(" "));
    if (verb === "view") return this.#setView(words);
    if (verb === "policy") {
      this.#policy = parsePolicy(words);
      return [];
    }
    if (verb === "wait") {
      this.#now += Number(words[0]);
      return this.#poll([]);
    }
    if (verb === ">") return this.#poll(this.#request(words));
    if (verb === ">>") return this.#request(words).map(describeEvent);
    throw new Error(`not a line of a transcript: ${input}`);
  }

  #open(dialect: Dialect, which: string): string[] {
    const memory: NodeMemory =
      which === "same node" ? whatMayBeNeeded(memoryOf(this.#stream), () => this.#policy) : NO_MEMORY;
    this.#streams += 1;
    this.#last.clear();
    this.#stream = setView(openStream(dialect, `s${this.#streams}-`, memory, this.#now), this.#view, this.#now);
    return [];
  }

  #setView(words: readonly string[]): string[] {
    this.#view = words[0] === "none" ? undefined : snapshotOf(words.map(parseResource), digest);
    this.#stream = setView(this.#stream, this.#view, this.#now);
    return this.#poll([]);
  }

  #request(words: readonly string[]): StreamEvent[] {
    const [type = "", ...rest] = words;
    const typeUrl = TYPES[type] ?? type;
    const option = (name: string): string | undefined =>
      rest.find((word) => word.startsWith(`${name}:`))?.slice(name.length + 1);
    const last = this.#last.get(typeUrl);
    const asked = option("nonce");
    const nonce = asked === undefined ? (last?.nonce ?? "") : asked === "none" ? "" : asked;
    const error = option("error")?.replaceAll("_", " ");
    const names = rest.filter((word) => !/^(?:nonce|error|has|claims):/.test(word));
    const detail = error === undefined ? {} : { error: { code: 13, message: error } };
    if (error === undefined && nonce !== "" && nonce === last?.nonce) this.#versions.set(typeUrl, last.version);
    const has = (option("has") ?? "").split(",").filter((item) => item !== "");
    const initialVersions = new Map(has.map((item) => splitLast(item)));
    const pick = (sign: string): string[] =>
      names.flatMap((name) => (name.startsWith(sign) ? [unquote(name.slice(1))] : []));
    const result =
      this.#stream.dialect === "sotw"
        ? onSotwRequest(this.#stream, {
            typeUrl,
            names: names.map(unquote),
            nonce,
            versionInfo: this.#claim(option("claims"), last) ?? this.#versions.get(typeUrl) ?? "",
            ...detail,
          })
        : onDeltaRequest(this.#stream, {
            typeUrl,
            subscribe: pick("+"),
            unsubscribe: pick("-"),
            initialVersions,
            nonce,
            ...detail,
          });
    this.#stream = result.stream;
    return [...result.events];
  }

  /** `claims:new` is the version of the last response, also where the client refuses it. */
  #claim(said: string | undefined, last: Response | undefined): string | undefined {
    return said === "new" ? last?.version : said;
  }

  #poll(before: readonly StreamEvent[]): string[] {
    const lines = before.map(describeEvent);
    for (;;) {
      const { stream, responses, events } = poll(this.#stream, this.#now, {
        ...TIMES,
        onNack: () => this.#policy,
      });
      this.#stream = stream;
      for (const response of responses) this.#last.set(response.typeUrl, response);
      lines.push(...responses.map(describeResponse), ...events.map(describeEvent));
      if (responses.length === 0) break;
    }
    if (isConverged(this.#stream, this.#now)) lines.push("= converged");
    return lines;
  }
}

function parsePolicy([name = "", ...times]: readonly string[]): NackPolicy {
  if (name === "park" || name === "rollback" || name === "quarantine") return name;
  const [afterMs = 0, atMostMs = 0, attempts = 0] = times.map(Number);
  if (name !== "retry") throw new Error(`not a policy: ${name}`);
  return { retry: { afterMs, atMostMs, attempts } };
}

function parseResource(text: string): Resource {
  const match = /^([a-z]+)\/(.+)=([^=([~@]+)(?:~(\d+))?(?:\[(.*)\])?(?:@(\d+))?(?:\((.*)\))?$/.exec(text);
  if (match === null) throw new Error(`not a resource: ${text}`);
  const [, type = "", name = "", content = "", length = "0", domains, ttl, refs = ""] = match;
  const references = refs.split(",").filter((ref) => ref !== "");
  return {
    ...(ttl === undefined ? {} : { ttlMs: Number(ttl) }),
    ...(domains === undefined ? {} : { finding: parseFinding(type, domains.split(",")) }),
    typeUrl: TYPES[type] ?? type,
    name,
    version: content,
    bytes: Uint8Array.from([...content.padEnd(Number(length))].map((character) => character.charCodeAt(0))),
    refs: references.map((ref): Reference => {
      const slash = ref.indexOf("/");
      return { typeUrl: TYPES[ref.slice(0, slash)] ?? "", name: ref.slice(slash + 1) };
    }),
  };
}

/** `NAME=VERSION`, where a name may have the sign in it too. */
function splitLast(item: string): [string, string] {
  const at = item.lastIndexOf("=");
  return [item.slice(0, at), item.slice(at + 1)];
}

function parseFinding(type: string, words: readonly string[]): Finding {
  if (type === "vhost") return { kind: "virtual-host", domains: words };
  return { kind: "on-demand-routes", ignoresPorts: words.includes("ignoring-ports") };
}

function shortType(typeUrl: string): string {
  return Object.entries(TYPES).find(([, url]) => url === typeUrl)?.[0] ?? typeUrl;
}

function describeResponse(response: Response): string {
  const resources = response.resources.map(describeResource).join("");
  const removed = response.removed.map((name) => ` -${name}`).join("");
  return `< ${shortType(response.typeUrl)}${resources}${removed}`;
}

function describeResource({ name, version, aliases, isBodiless, ttlMs }: SentResource): string {
  const renewed = ttlMs === undefined ? "nothing" : "alive";
  const marks = `${aliases === undefined ? "" : `[${aliases.join(",")}]`}${ttlMs === undefined ? "" : `@${ttlMs}`}`;
  return ` ${name}=${isBodiless === true ? renewed : version}${marks}`;
}

function describeEvent(event: StreamEvent): string {
  const type = shortType(event.typeUrl);
  if (event.kind === "refused") return `! refused ${type} ${event.names.join(" ")}: ${event.error.message}`;
  return `! ${event.kind} ${type}`;
}

function unquote(name: string): string {
  return name === '""' ? "" : name;
}
