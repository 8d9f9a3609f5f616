import { expect, test } from "bun:test";
import { listenForInterruption, pause } from "../../src/cli/ask.ts";

test("a signal is heard while somebody listens, and no longer", () => {
  const before = process.listenerCount("SIGHUP");
  {
    using interruption = listenForInterruption();
    expect(interruption.signal.aborted).toBe(false);
    process.emit("SIGHUP");
    expect(interruption.signal.aborted).toBe(true);
  }
  expect(process.listenerCount("SIGHUP")).toBe(before);
});

test("a pause ends with its signal", async () => {
  const stop = new AbortController();
  // An hour: if the signal were ignored, the test would time out.
  const waiting = pause(3_600_000, stop.signal);
  stop.abort();
  await waiting;
  await pause(3_600_000, stop.signal);
  expect(stop.signal.aborted).toBe(true);
});

test("a pause ends by itself", async () => {
  await pause(1, new AbortController().signal);
});
