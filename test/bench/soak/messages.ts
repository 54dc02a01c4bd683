/** What each of the processes of a soak is told and says over IPC. An order is answered once, by an answer of its name. */
export type ServerOrder =
  | { readonly do: "sample" }
  | { readonly do: "open" }
  | { readonly do: "change"; readonly perSecond: number }
  | { readonly do: "rest" }
  | { readonly do: "content" }
  | { readonly do: "left" }
  /** Writes a snapshot of the heap. */
  | { readonly do: "heap"; readonly file: string };

export type ClientOrder =
  | { readonly do: "loyal"; readonly port: number }
  | { readonly do: "churn"; readonly port: number; readonly perSecond: number }
  | { readonly do: "rest" }
  | { readonly do: "held" };

/** Memory of the server after a collection, in MiB, and what is open. */
export interface Sample {
  /** Milliseconds since the soak began. */
  readonly at: number;
  readonly heap: number;
  /** Buffers outside of the heap. */
  readonly buffers: number;
  readonly rss: number;
  readonly connected: number;
  readonly lost: number;
}

/** How many there are of each kind of thing that a client makes the server keep. */
export type Counts = Readonly<Record<string, number>>;

/** Type URL → name → hash of the content. */
export type Content = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What the server has done in all. */
export interface Done {
  readonly changes: number;
  readonly connects: number;
  readonly acks: number;
  readonly nacks: number;
}

/** What one loyal client has at the end. */
export interface Held {
  readonly id: string;
  readonly group: string;
  readonly content: Content;
}

/** What the clients that stay have at the end, and what went wrong on the way. */
export interface Loyalty {
  readonly held: readonly Held[];
  /** Streams of theirs that broke or were ended with another status than OK, and other things that must not be. */
  readonly complaints: readonly string[];
  readonly acks: number;
  /** How often their streams were ended because of their age, and they came back. */
  readonly returns: number;
}
