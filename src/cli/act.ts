import type { Session } from "./session.ts";

/** What a command does: gets its options and its arguments, and answers with its exit code. */
export type Handler<T> = (session: Session, options: T, args: readonly string[]) => Promise<number>;

/** Makes the action of a command out of its handler. */
export type Act = <T = object>(handler: Handler<T>) => (...all: unknown[]) => Promise<void>;
