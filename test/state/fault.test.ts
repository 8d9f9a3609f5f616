import { expect, test } from "bun:test";
import { Problem } from "../../src/core/problem.ts";
import { faultOf, type StateFault } from "../../src/state/fault.ts";

test.each<[code: string, fault: StateFault]>([
  ["SQLITE_BUSY", "locked"],
  ["SQLITE_BUSY_RECOVERY", "locked"],
  ["SQLITE_FULL", "full"],
  ["SQLITE_IOERR_WRITE", "full"],
  ["ENOSPC", "full"],
  ["SQLITE_CORRUPT", "broken"],
  ["SQLITE_CORRUPT_INDEX", "broken"],
  ["SQLITE_NOTADB", "broken"],
  ["SQLITE_READONLY_DIRECTORY", "closed"],
  ["SQLITE_CANTOPEN", "closed"],
  ["EACCES", "closed"],
  ["EROFS", "closed"],
  ["SQLITE_CONSTRAINT_UNIQUE", "odd"],
  ["ERR_INVALID_ARG_TYPE", "odd"],
])("%s is %s", (code, fault) => {
  expect(faultOf(Object.assign(new Error("x"), { code }))).toBe(fault);
});

test("a problem of our own closes the file; what has no code is odd", () => {
  expect(faultOf(new Problem({ code: "state-newer", what: "x" }))).toBe("closed");
  expect(faultOf(new TypeError("x"))).toBe("odd");
  expect(faultOf("x")).toBe("odd");
});
