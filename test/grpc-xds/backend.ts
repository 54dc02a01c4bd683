import type { handleUnaryCall, ServiceDefinition } from "@grpc/grpc-js";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";

type Handler = handleUnaryCall<Buffer, Buffer>;

/** A gRPC server that says its name. */
export interface Backend {
  readonly name: string;
  readonly port: number;
  /** How many calls wait in `Hold`. */
  held(): number;
  /** Lets them go. */
  release(): void;
  close(): void;
}

const asIs = (bytes: Buffer): Buffer => bytes;
const method = (path: string): ServiceDefinition[string] => ({
  path: `/test.Backend/${path}`,
  requestStream: false,
  responseStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});

/** `Name` says the name, `Fail` fails, `Hold` says the name when it is released. */
export async function startBackend(name: string): Promise<Backend> {
  const server = new Server();
  let waiting: (() => void)[] = [];
  const say: Handler = (_, answer) => answer(null, Buffer.from(name));
  const fail: Handler = (_, answer) => answer({ code: status.INTERNAL, details: `${name} fails` });
  const hold: Handler = (call, answer) => void waiting.push(() => say(call, answer));
  server.addService(
    { Name: method("Name"), Fail: method("Fail"), Hold: method("Hold") },
    { Name: say, Fail: fail, Hold: hold },
  );
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, at: number): void => (error === null ? resolve(at) : reject(error));
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), bound);
  });
  return {
    name,
    port,
    held: () => waiting.length,
    release() {
      for (const go of waiting) go();
      waiting = [];
    },
    close: () => server.forceShutdown(),
  };
}
