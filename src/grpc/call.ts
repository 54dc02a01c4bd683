import type { IncomingHttpHeaders } from "node:http2";
import type { Access } from "../control/access.ts";
import type { Framed } from "./framing.ts";
import type { GrpcStatus } from "./status.ts";

/** One call, as a method of a service sees it. */
export interface Call {
  /** Who is calling: an address for people. */
  readonly peer: string;
  /** What the client said at the start; empty once the method has begun, so that no stream keeps it for hours. */
  readonly headers: IncomingHttpHeaders;
  /** False once the call has ended, whoever ended it. */
  readonly open: boolean;
  /** Is anybody asked who may call? Where not, `admit` need not be called. */
  readonly guarded: boolean;
  /**
   * Asks whether the client may have this; nothing can be sent before it may (P56).
   *
   * @throws GrpcError PERMISSION_DENIED
   */
  admit(asked: Omit<Access, "peer">): void;
  /** Sends one message. `done` is called once, when it has left for the network or cannot any more. */
  send(message: Framed, done?: () => void): void;
  /** Ends the call; what was sent before still arrives. */
  end(status: GrpcStatus): void;
  /** Ends the call with OK; where it is the connection's last, says that the connection goes, so that the next one is new. */
  retire(message: string): void;
  /** Reads nothing of the call from now on, until what is returned is called. */
  hold(): () => void;
  /** Ends the call for what was thrown: with its status, or INTERNAL and a warning where it is a defect. */
  fail(error: unknown): void;
  /** Gives the call up at once: nothing more is said to a client that does not listen. */
  cut(): void;
}

/** What a method does with a call. Whatever it throws ends the call with INTERNAL, and nothing else. */
export interface CallHandler {
  onMessage(bytes: Buffer): void;
  /** The client has said all that it has to say. */
  onHalfClosed(): void;
  /** The call is over, whoever ended it. Called once. */
  onClosed(): void;
}

/** A method of a service: called for each new call. */
export type Method = (call: Call) => CallHandler;

/** Methods by path, `/package.Service/Method`. */
export type Routes = ReadonlyMap<string, Method>;
