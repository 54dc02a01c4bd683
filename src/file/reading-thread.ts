import { parentPort, workerData } from "node:worker_threads";
import { locateProblems, readMesh } from "./read-mesh.ts";
import type { Task } from "./reading-aside.ts";

/** The whole of a thread that reads one thing and ends. */
const task = workerData as Task;
parentPort?.postMessage(task.kind === "locate" ? locateProblems(task.problems, task.text, task.name) : readMesh(task));
