import { expect, test } from "bun:test";
import { coarseAfter } from "../../src/proxy/env.ts";

test("coarse timers fire in the order in which they fall due, never early, and not once they are called off", async () => {
  const fired: string[] = [];
  const fromMs = performance.now();
  const { promise, resolve } = Promise.withResolvers<void>();
  const early: number[] = [];
  const note = (name: string, ms: number) => (): void => {
    fired.push(name);
    if (performance.now() - fromMs < ms) early.push(ms);
  };
  // Unreferenced timers do not keep a process alive.
  const awake = setInterval(() => {}, 1000);
  coarseAfter(260, () => resolve());
  coarseAfter(120, note("second", 120));
  coarseAfter(0, note("first", 0));
  const callOff = coarseAfter(60, note("called off", 60));
  coarseAfter(180, note("third", 180));
  callOff();
  await promise;
  clearInterval(awake);
  expect(fired).toEqual(["first", "second", "third"]);
  expect(early).toEqual([]);
});
