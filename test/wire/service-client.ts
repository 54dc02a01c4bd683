import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { Client, credentials } from "@grpc/grpc-js";
import type { MethodDefinition, ServiceDefinition } from "@grpc/proto-loader";
import { loadSync } from "@grpc/proto-loader";

type Message = Record<string, unknown>;

/** Where Belay has what it speaks of Envoy's API. */
const PROTO = [new URL("../../proto", import.meta.url).pathname];

/** Any service of a file under `proto/`, or elsewhere, called with grpc-js: nothing of the server's own reading and writing. */
export class ServiceClient {
  readonly #client: Client;
  readonly #service: ServiceDefinition;

  constructor(port: number, file: string, service: string, includeDirs: string[] = PROTO) {
    const definition = loadSync(file, {
      includeDirs,
      defaults: true,
      arrays: true,
      objects: true,
      enums: String,
      longs: String,
    });
    this.#service = definition[service] as ServiceDefinition;
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  /** A stream of requests and responses. */
  stream(name: string): ServiceStream {
    const { path, requestSerialize, responseDeserialize } = this.#method(name);
    return new ServiceStream(
      this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize as (bytes: Buffer) => Message),
    );
  }

  /** One request, one response. Rejects with the status. */
  call(name: string, request: object): Promise<Message> {
    const { path, requestSerialize, responseDeserialize } = this.#method(name);
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, value?: Message): void => {
        if (error === null) resolve(value ?? {});
        else reject(error);
      };
      const deserialize = responseDeserialize as (bytes: Buffer) => Message;
      this.#client.makeUnaryRequest(path, requestSerialize, deserialize, request, done);
    });
  }

  close(): void {
    this.#client.close();
  }

  #method(name: string): MethodDefinition<object, object> {
    const method = this.#service[name];
    if (method === undefined) throw new Error(`the service has no method ${name}`);
    return method;
  }
}

/** A call whose both sides are streams; a client stream is one whose server says one thing. */
export class ServiceStream {
  readonly #stream: ClientDuplexStream<object, Message>;
  readonly #responses: Message[] = [];
  readonly #waiting: ((response: Message) => void)[] = [];
  /** How the call ended. */
  readonly ended: Promise<{ code: number; details: string }>;

  constructor(stream: ClientDuplexStream<object, Message>) {
    this.#stream = stream;
    stream.on("data", (received: Message) => {
      const waiter = this.#waiting.shift();
      if (waiter === undefined) this.#responses.push(received);
      else waiter(received);
    });
    stream.on("error", () => {});
    this.ended = new Promise((resolve) => stream.on("status", resolve));
  }

  send(request: object): void {
    this.#stream.write(request);
  }

  /** Says that nothing more will be said. */
  finish(): void {
    this.#stream.end();
  }

  /** The next response; the test's own time limit is the only one. */
  next(): Promise<Message> {
    const ready = this.#responses.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Responses that came and were not asked for yet. */
  get unread(): number {
    return this.#responses.length;
  }
}
