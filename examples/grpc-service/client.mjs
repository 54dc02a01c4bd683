// A gRPC client that finds its servers by xDS. It needs one package more than Belay: npm install @grpc/grpc-js-xds
//   node examples/grpc-service/client.mjs 127.0.0.1:18000
import { setTimeout as pause } from "node:timers/promises";
import { register } from "@grpc/grpc-js-xds";
import { greeterClient } from "./greeter.mjs";

// Usually set in the environment of the program: where to ask, and who is asking.
process.env.GRPC_XDS_BOOTSTRAP_CONFIG ??= JSON.stringify({
  xds_servers: [{ server_uri: process.argv[2] ?? "127.0.0.1:18000", channel_creds: [{ type: "insecure" }] }],
  node: { id: `client-${process.pid}`, locality: {} },
});
register();

const hello = greeterClient("xds:///greeter");
for (;;) {
  const answers = {};
  for (const end = Date.now() + 1_000; Date.now() < end; await pause(20)) {
    for (const answer of await Promise.all([hello(), hello(), hello(), hello()])) {
      answers[answer] = (answers[answer] ?? 0) + 1;
    }
  }
  console.log(
    Object.entries(answers)
      .map(([answer, count]) => `${answer}: ${count}`)
      .join(", "),
  );
}
