import { defineConfig } from "vitest/config";

/** Real Envoys start, warm and drain in these; nothing else takes as long. */
const ENVOY_TIMEOUT_MS = 120_000;
const SOCKET_TIMEOUT_MS = 30_000;

const filesIn = (folders: readonly string[]): string[] => folders.map((folder) => `test/${folder}/**/*.test.ts`);

/** Pure code: nothing under test keeps state, so all files share one process. */
const UNIT = filesIn(["core", "mesh", "compile", "envoy-schema", "transcripts"]);
/** Where real Envoys run, and real gRPC clients. */
const ENVOY = filesIn(["envoy", "chaos", "lab", "proxy", "grpc-xds"]);
/** These install and build everything once more: beside others they would make them slow. */
const IMAGE = ["test/house/dockerfile.test.ts", "test/house/package.test.ts"];

export default defineConfig({
  test: {
    teardownTimeout: SOCKET_TIMEOUT_MS,
    // The groups run one after the other: the cheapest proof fails first, and real Envoys have the machine to themselves.
    projects: [
      {
        test: {
          name: "unit",
          include: UNIT,
          pool: "forks",
          maxWorkers: 1,
          isolate: false,
          testTimeout: 20_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "isolated",
          // All the rest, so that a new folder is never left out.
          include: ["test/**/*.test.ts"],
          exclude: [...UNIT, ...ENVOY, ...IMAGE],
          pool: "forks",
          maxWorkers: 2,
          testTimeout: SOCKET_TIMEOUT_MS,
          hookTimeout: SOCKET_TIMEOUT_MS,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "envoy",
          include: ENVOY,
          pool: "forks",
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: ENVOY_TIMEOUT_MS,
          hookTimeout: ENVOY_TIMEOUT_MS,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: "image",
          include: IMAGE,
          pool: "forks",
          maxWorkers: 1,
          testTimeout: ENVOY_TIMEOUT_MS,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
