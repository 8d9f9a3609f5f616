import { expect, test } from "bun:test";
import fc from "fast-check";
import { emptyLoad, release, shrinkCap, slotFor, take } from "../../../src/core/routing/limits.ts";

const FREE = { rpm: undefined, concurrency: undefined };

test("no minute ever sees more calls than the pace allows, and none is held longer than that", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat({ max: 40_000 }), { maxLength: 40 }),
      (rpm, gaps) => {
        const load = emptyLoad();
        const limits = { rpm, concurrency: undefined };
        const sent: number[] = [];
        let nowMs = 0;
        for (const gap of gaps) {
          nowMs += gap;
          const slot = slotFor(load, limits, nowMs);
          if (slot.kind === "at") {
            expect(slot.atMs).toBeGreaterThan(nowMs);
            expect(slotFor(load, limits, slot.atMs - 1).kind).toBe("at");
            nowMs = slot.atMs;
          }
          expect(slotFor(load, limits, nowMs).kind).toBe("now");
          take(load, limits, nowMs);
          release(load);
          sent.push(nowMs);
          expect(sent.filter((atMs) => atMs > nowMs - 60_000).length).toBeLessThanOrEqual(rpm);
        }
      },
    ),
  );
});

test("a full account is given one call less, and one more each minute after", () => {
  const load = emptyLoad();
  for (let nth = 0; nth < 4; nth++) take(load, FREE, 0);
  // The fourth was refused, so the key's limit is three.
  release(load);
  shrinkCap(load, FREE, 0);
  expect(slotFor(load, FREE, 0).kind).toBe("on-release");
  expect(slotFor(load, FREE, 59_999).kind).toBe("on-release");
  expect(slotFor(load, FREE, 60_000).kind).toBe("now");
});

test("a cap never falls below one, nor grows past the one in the settings", () => {
  const load = emptyLoad();
  const limits = { rpm: undefined, concurrency: 2 };
  shrinkCap(load, limits, 0);
  expect(slotFor(load, limits, 0).kind).toBe("now");
  take(load, limits, 0);
  expect(slotFor(load, limits, 0).kind).toBe("on-release");
  expect(slotFor(load, limits, 60_000).kind).toBe("now");
  take(load, limits, 60_000);
  expect(slotFor(load, limits, 3_600_000).kind).toBe("on-release");
});

test("more calls may end than were noted, and nothing comes of it", () => {
  const load = emptyLoad();
  release(load);
  expect(load.inFlight).toBe(0);
});
