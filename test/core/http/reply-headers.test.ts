import { expect, test } from "bun:test";
import { HeaderFields } from "../../../src/core/http/reply-headers.ts";
import { declaredWaitMs } from "../../../src/core/verdict/declared-wait.ts";

const FIELDS = { "retry-after": "7", "x-ratelimit-remaining": "0", "x-empty": "" };

test("fields are asked for as those of Headers are", () => {
  const [ours, theirs] = [new HeaderFields(FIELDS), new Headers(FIELDS)];
  for (const name of ["retry-after", "x-empty", "date"]) {
    expect([name, ours.get(name), ours.has(name)]).toEqual([name, theirs.get(name), theirs.has(name)]);
  }
  expect([...ours].toSorted()).toEqual([...theirs].toSorted());
  expect(ours.toJSON()).toEqual(theirs.toJSON());
});

test("a wait is found in them", () => {
  expect(declaredWaitMs({ headers: new HeaderFields(FIELDS), nowMs: 0 })).toBe(7000);
});
