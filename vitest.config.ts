import { defineConfig } from "vitest/config";

/** Real Envoys start, warm and drain in these; nothing else takes as long. */
const ENVOY_TIMEOUT_MS = 120_000;
const SOCKET_TIMEOUT_MS = 30_000;

const inFolders = (...folders: readonly string[]): string[] => folders.map((folder) => `test/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    teardownTimeout: SOCKET_TIMEOUT_MS,
    // The groups run one after the other: the cheapest proof fails first, and real Envoys have the machine to themselves.
    projects: [
      {
        test: {
          name: "unit",
          include: inFolders("core", "mesh", "compile", "envoy-schema", "transcripts"),
          // One process for all files: pure code keeps no state between them, so isolation would only cost time.
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
          include: [...inFolders("http", "cli", "control", "store", "feature", "wire", "house"), "test/*.test.ts"],
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
          include: inFolders("envoy", "chaos", "lab"),
          pool: "forks",
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: ENVOY_TIMEOUT_MS,
          hookTimeout: ENVOY_TIMEOUT_MS,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
