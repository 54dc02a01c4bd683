import type { Resource } from "../resource/resource.ts";
import { knownOf } from "./client.ts";
import type { Dialect, Response, SentResource } from "./message.ts";
import type { TypeState } from "./type-state.ts";
import type { Wanted } from "./wanted.ts";
import { goalsOf } from "./wanted.ts";

/** The share of a time to live after which it is renewed: one heartbeat may be late by as much again. */
const RENEWED_AFTER = 1 / 3;

const NOTHING: ReadonlyMap<string, Resource> = new Map();

/** What a heartbeat is said in, and when. */
export interface Beat {
  readonly dialect: Dialect;
  readonly nonce: string;
  readonly now: number;
}

/** A type after its heartbeat. */
export interface Renewed {
  readonly state: TypeState;
  /** Undefined where none was due. */
  readonly response?: Response;
  /** When the next one is due, in milliseconds; undefined where none will be. */
  readonly nextAt: number | undefined;
}

/**
 * Renews what has a time to live and was acknowledged, for a client that is to be told nothing else of the type. Made from
 * what is wanted now and nothing else, so that it ends with the subscription, the resource, and the stream (P53). What the
 * client has from before this stream is renewed at once.
 */
export function renew(state: TypeState, wanted: Wanted, { dialect, nonce, now }: Beat): Renewed {
  const due: Resource[] = [];
  const beats = new Map<string, number>();
  let nextAt: number | undefined;
  for (const [name, goal] of goalsOf(state, wanted)) {
    if (goal.ttlMs === undefined || knownOf(state.client, name)?.version !== goal.version) continue;
    const saidAt = state.beats?.get(name) ?? Number.NEGATIVE_INFINITY;
    const dueAt = saidAt + goal.ttlMs * RENEWED_AFTER;
    if (now >= dueAt) due.push(goal);
    else if (dueAt < (nextAt ?? Number.POSITIVE_INFINITY)) nextAt = dueAt;
    beats.set(name, now >= dueAt ? now : saidAt);
  }
  if (due.length === 0) return { state: beats.size === 0 ? withoutBeats(state) : state, nextAt };
  const { typeUrl } = state;
  const { version } = wanted;
  // Delta says only the names; in state of the world an Envoy takes nothing but the whole resource for a heartbeat (W10).
  const resources = dialect === "delta" ? due.map(withoutBody) : due;
  const renews = due.map(({ name }) => name);
  const inflight = { nonce, version, resources: NOTHING, removed: [], whole: false, dropped: [], renews };
  const response = { typeUrl, nonce, version, resources, removed: [] };
  return { state: { ...state, nonce, inflight, beats }, response, nextAt };
}

/** The type once this was sent to its client. */
export function withBeats(state: TypeState, { resources }: Response, now: number): TypeState {
  const said = resources.filter(({ ttlMs }) => ttlMs !== undefined);
  if (said.length === 0) return state;
  return { ...state, beats: new Map([...(state.beats ?? []), ...said.map(({ name }) => [name, now] as const)]) };
}

/** The response for a client that no heartbeat reaches, as one that polls: nothing in it expires. */
export function lasting(response: Response): Response {
  if (response.resources.every(({ ttlMs }) => ttlMs === undefined)) return response;
  return { ...response, resources: response.resources.map(withoutTime) };
}

function withoutTime(resource: SentResource): SentResource {
  const { ttlMs: _, ...rest } = resource;
  return rest;
}

function withoutBeats(state: TypeState): TypeState {
  if (state.beats === undefined) return state;
  const { beats: _, ...rest } = state;
  return rest;
}

/** One for each resource: streams that are in the same state share the bytes of what they are sent. */
const bodiless = new WeakMap<Resource, SentResource>();

function withoutBody(resource: Resource): SentResource {
  const known = bodiless.get(resource);
  if (known !== undefined) return known;
  const made: SentResource = { ...resource, isBodiless: true };
  bodiless.set(resource, made);
  return made;
}
