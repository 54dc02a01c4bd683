import type { Snapshot } from "../snapshot/snapshot.ts";
import type { TypeState } from "./type-state.ts";

/** The types of a stream, in the order in which they are written. */
export type Types = ReadonlyMap<string, TypeState>;

/** What streams in a state met, and what came of it. */
interface Move {
  readonly kind: object;
  /** Which view they had. The view itself would be kept alive by what streams once did under it. */
  readonly under: number;
  readonly inputs: readonly unknown[];
  readonly result: { readonly types: Types };
}

const NO_MOVES: readonly Move[] = [];

/**
 * Types that streams in the same state share. What happened next to one of those streams stands with them: a WeakMap would
 * say the same, at twenty times the price where states are not shared.
 */
export class SharedTypes extends Map<string, TypeState> {
  /** For Moves alone; the newest first. */
  moves: readonly Move[] = NO_MOVES;
}

/** The types with this one of them in another state. */
export function typesWith(types: Types, state: TypeState): SharedTypes {
  return new SharedTypes(types).set(state.typeUrl, state);
}

/** What is kept of one view. */
interface Book {
  readonly under: number;
  /**
   * Moves of streams that have asked for nothing yet, from where all others are reached; by the names that they ask for,
   * for a fleet whose Envoys are given parts of a group asks for hundreds of lists.
   */
  first: Map<unknown, SharedTypes>;
  moves: number;
  names: number;
  /** What clients' own words in the inputs weigh, in bytes. */
  bytes: number;
}

/** Streams in one state meet the same thing, or one of a few: the ACK of this type or of that, a poll, a question. */
const EACH = 8;

/**
 * Moves that are kept under one view, names in the states that they lead to, and bytes of what clients said to get there:
 * what clients can make it hold is bounded.
 */
const LIMITS = { moves: 10_000, names: 1_000_000, bytes: 128 << 20 };

const books = new WeakMap<Snapshot, Book>();
let views = 0;

function bookOf(view: Snapshot): Book {
  const known = books.get(view);
  if (known !== undefined) return known;
  views += 1;
  const book = { under: views, first: new Map<unknown, SharedTypes>(), moves: 0, names: 0, bytes: 0 };
  books.set(view, book);
  return book;
}

/**
 * What streams do next, worked out once for all that are in the same state. That is right because a move follows from
 * nothing but the state, the view and the inputs, all of them values: found by the identity of each, the result is the one
 * that would be made again, and cannot be older than what it was made of (P60). Moves that depend on the clock are not
 * kept. Those under one view are reached from its book alone, or from streams that go on from them: they go with the view.
 */
export class Moves<Inputs extends readonly unknown[], Result extends { readonly types: Types }> {
  readonly #names: number;
  readonly #weigh: (inputs: Inputs) => number;

  /**
   * @param weigh what of the inputs is the client's own words, in bytes
   * @param names which input are the names that a stream asks for; none where it does not ask
   */
  constructor(weigh: (inputs: Inputs) => number = () => 0, names = -1) {
    this.#weigh = weigh;
    this.#names = names;
  }

  /** What came of the inputs for a stream in this state; undefined where that is still to be worked out. */
  known({ view, types }: Standpoint, inputs: Inputs): Result | undefined {
    if (view === undefined || !(types instanceof SharedTypes)) return undefined;
    const book = bookOf(view);
    const moves = (types.size === 0 ? book.first.get(inputs[this.#names]) : types)?.moves ?? NO_MOVES;
    for (let index = 0; index < moves.length; index += 1) {
      const { kind, under, inputs: met, result } = moves[index] as Move;
      if (kind === this && under === book.under && isSame(met, inputs)) return result as Result;
    }
    return undefined;
  }

  /** Keeps what has come of them, for the next stream, and gives it back. */
  keep({ view, types }: Standpoint, inputs: Inputs, result: Result): Result {
    if (view === undefined || !(types instanceof SharedTypes)) return result;
    const book = bookOf(view);
    book.bytes += this.#weigh(inputs);
    let from: SharedTypes | undefined = types;
    if (types.size === 0) {
      from = book.first.get(inputs[this.#names]);
      if (from === undefined) book.first.set(inputs[this.#names], (from = new SharedTypes()));
    }
    keep(book, from, { kind: this, under: book.under, inputs, result });
    return result;
  }
}

/** Where a stream goes on from. */
interface Standpoint {
  readonly view: Snapshot | undefined;
  readonly types: Types;
}

function keep(book: Book, from: SharedTypes, move: Move): void {
  book.moves += 1;
  book.names += namesIn(move.result.types);
  if (book.moves > LIMITS.moves || book.names > LIMITS.names || book.bytes > LIMITS.bytes) {
    // Nothing leads from here to what was kept: it goes with the streams that are there.
    book.first = new Map();
    book.moves = 0;
    book.names = 0;
    book.bytes = 0;
    return;
  }
  from.moves = from.moves.length < EACH ? [move, ...from.moves] : [move, ...from.moves.slice(0, EACH - 1)];
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}

function namesIn(types: Types): number {
  let names = 0;
  for (const { subscription, client, parked, pending, owed, inflight } of types.values()) {
    names += (subscription?.names.size ?? 0) + client.except.size + parked.size + (inflight?.resources.size ?? 0);
    if (pending !== "all") names += pending.size;
    if (owed !== "all") names += owed.size;
  }
  return names;
}
