import type { FleetState } from "./event.ts";
import type { DoneState, State } from "./state.ts";

type MapField = "revisions" | "rollouts" | "views" | "unrepaired" | "keys";
type KeyOf<F extends MapField> = State[F] extends ReadonlyMap<infer K, unknown> ? K : never;
type ValueOf<F extends MapField> = State[F] extends ReadonlyMap<unknown, infer V> ? V : never;

/**
 * A state while events are folded into it. Maps are copied when they are first written, so that folding a long journal
 * costs one copy of each and the state that it came from stays as it was.
 */
export class Draft {
  #state: State;
  readonly #copied = new Set<MapField | "done">();

  constructor(state: State) {
    this.#state = state;
  }

  /** The state as it is now. Not written to once it has been given away. */
  get state(): State {
    return this.#state;
  }

  put<F extends MapField>(field: F, key: KeyOf<F>, value: ValueOf<F>): void {
    this.#writable(field).set(key, value);
  }

  drop<F extends MapField>(field: F, key: KeyOf<F>): void {
    this.#writable(field).delete(key);
  }

  /** A state was reached: it is the one in force, and one to come back to. */
  reach(done: DoneState, live: FleetState): void {
    if (!this.#copied.has("done")) this.#state = { ...this.#state, done: [...this.#state.done] };
    this.#copied.add("done");
    (this.#state.done as DoneState[]).push(done);
    this.#state = { ...this.#state, live };
  }

  set(part: Partial<Pick<State, "seq" | "active">>): void {
    this.#state = { ...this.#state, ...part };
  }

  #writable<F extends MapField>(field: F): Map<KeyOf<F>, ValueOf<F>> {
    if (!this.#copied.has(field)) {
      this.#state = { ...this.#state, [field]: new Map(this.#state[field] as ReadonlyMap<unknown, unknown>) };
      this.#copied.add(field);
    }
    return this.#state[field] as unknown as Map<KeyOf<F>, ValueOf<F>>;
  }
}
