import { Client, credentials, Server, ServerCredentials, status } from "@grpc/grpc-js";

/** The service, without a .proto file: one method, text in and text out. */
const HELLO = {
  path: "/example.Greeter/Hello",
  requestStream: false,
  responseStream: false,
  requestSerialize: (text) => Buffer.from(text),
  requestDeserialize: String,
  responseSerialize: (text) => Buffer.from(text),
  responseDeserialize: String,
};

/** A gRPC server that says which version it is. */
export async function startGreeter(version, { fails = false } = {}) {
  const server = new Server();
  const hello = (_, answer) => {
    if (fails) answer({ code: status.INTERNAL, details: `${version} is broken` });
    else answer(null, version);
  };
  server.addService({ hello: HELLO }, { hello });
  const port = await new Promise((resolve, reject) => {
    const credentials = ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", credentials, (error, at) => (error ? reject(error) : resolve(at)));
  });
  return { port, close: () => server.forceShutdown() };
}

/** Calls a greeter. Resolves with the version that answered, or with the error's text. */
export function greeterClient(target) {
  const client = new Client(target, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = HELLO;
  return () =>
    new Promise((resolve) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, "hello", (error, version) =>
        resolve(error ? error.message : version),
      );
    });
}
