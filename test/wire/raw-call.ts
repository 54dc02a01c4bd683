import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import { connect } from "node:http2";
import type { ConnectionOptions } from "node:tls";

/** How a raw call ended, as it stood on the wire. */
export interface RawEnd {
  readonly headers: IncomingHttpHeaders;
  /** `grpc-status` and `grpc-message`, wherever they stood. */
  readonly status: string | undefined;
  readonly message: string | undefined;
  /** The bodies of the messages, without their prefixes. */
  readonly messages: readonly Buffer[];
  /** Error code of the RST_STREAM frame, 0 where there was none or it meant no error. */
  readonly reset: number;
}

/** A client that sends whatever bytes it is told to, over node:http2 alone: no gRPC library keeps it from mistakes. */
export class RawClient {
  readonly session: ClientHttp2Session;
  readonly closed: Promise<void>;

  /** @param tls over TLS, with these options of node:tls */
  constructor(port: number, tls?: ConnectionOptions) {
    this.session = tls === undefined ? connect(`http://127.0.0.1:${port}`) : connect(`https://127.0.0.1:${port}`, tls);
    this.session.on("error", () => {});
    this.closed = new Promise((resolve) => this.session.once("close", resolve));
  }

  call(path: string, headers: Readonly<Record<string, string>> = {}): RawCall {
    return new RawCall(
      this.session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      }),
    );
  }

  close(): void {
    this.session.destroy();
  }
}

export class RawCall {
  readonly stream: ClientHttp2Stream;
  readonly ended: Promise<RawEnd>;
  #bytes = Buffer.alloc(0);
  #onBytes: () => void = () => {};

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
    let headers: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    stream.on("error", () => {});
    stream.on("response", (said) => {
      headers = said;
    });
    stream.on("trailers", (said) => {
      trailers = said;
    });
    stream.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#onBytes();
    });
    this.ended = new Promise((resolve) => {
      stream.on("close", () =>
        resolve({
          headers,
          status: said(trailers, headers, "grpc-status"),
          message: said(trailers, headers, "grpc-message"),
          messages: this.messages(),
          reset: stream.rstCode ?? 0,
        }),
      );
    });
  }

  /** Sends bytes as they are. */
  write(...parts: readonly Uint8Array[]): this {
    for (const part of parts) this.stream.write(part);
    return this;
  }

  /** Whole messages so far. */
  messages(): Buffer[] {
    const messages: Buffer[] = [];
    for (let at = 0; at + 5 <= this.#bytes.length; ) {
      const until = at + 5 + this.#bytes.readUInt32BE(at + 1);
      if (until > this.#bytes.length) break;
      messages.push(this.#bytes.subarray(at + 5, until));
      at = until;
    }
    return messages;
  }

  /** Resolves with the first message, once it is whole, and forgets it: for calls that go on and on. */
  async next(): Promise<Buffer> {
    const [first = Buffer.alloc(0)] = await this.received(1);
    this.#bytes = Buffer.from(this.#bytes.subarray(5 + first.length));
    return Buffer.from(first);
  }

  /** Resolves with the messages once there are so many. */
  async received(count: number): Promise<Buffer[]> {
    await new Promise<void>((resolve) => {
      this.#onBytes = () => {
        if (this.messages().length >= count) resolve();
      };
      this.#onBytes();
    });
    return this.messages();
  }
}

/** A message with its prefix. */
export function frame(body: Uint8Array | string, flag = 0): Buffer {
  const bytes = Buffer.from(body as Uint8Array);
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

function said(trailers: IncomingHttpHeaders, headers: IncomingHttpHeaders, name: string): string | undefined {
  return (trailers[name] ?? headers[name]) as string | undefined;
}
