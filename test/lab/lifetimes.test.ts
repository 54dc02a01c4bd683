import { expect, test } from "vitest";
import { Lifetimes } from "../../src/lab/lifetimes.ts";

test("what is still starting when all must end is ended before what it was started on", async () => {
  const lifetimes = new Lifetimes();
  const ended: string[] = [];
  await lifetimes.add(Promise.resolve("folder"), () => void ended.push("folder"));
  let finishStarting: (name: string) => void = () => {};
  const starting = new Promise<string>((resolve) => {
    finishStarting = resolve;
  });
  const adding = lifetimes.add(starting, (name) => void ended.push(name));
  const refused = expect(adding).rejects.toThrow("ended while it was being started");
  const closing = lifetimes.close();
  finishStarting("envoy");
  await closing;
  await refused;
  expect(ended).toEqual(["envoy", "folder"]);
});

test("one that cannot be ended does not keep the others from it", async () => {
  const lifetimes = new Lifetimes();
  const ended: string[] = [];
  await lifetimes.add(Promise.resolve(), () => void ended.push("first"));
  await lifetimes.add(Promise.resolve(), () => Promise.reject(new Error("stuck")));
  await lifetimes.close();
  expect(ended).toEqual(["first"]);
});
