import { expect, test } from "bun:test";
import { Problem } from "../../src/core/problem.ts";
import { type DatabaseFault, faultOf } from "../../src/sqlite/database.ts";

test.each<[code: string, fault: DatabaseFault]>([
  ["SQLITE_BUSY", "locked"],
  ["SQLITE_BUSY_RECOVERY", "locked"],
  ["SQLITE_FULL", "full"],
  ["SQLITE_IOERR_WRITE", "full"],
  ["ENOSPC", "full"],
  ["SQLITE_CORRUPT", "corrupt"],
  ["SQLITE_CORRUPT_INDEX", "corrupt"],
  ["SQLITE_NOTADB", "corrupt"],
  ["SQLITE_READONLY_DIRECTORY", "unusable"],
  ["SQLITE_CANTOPEN", "unusable"],
  ["EACCES", "unusable"],
  ["EROFS", "unusable"],
  ["SQLITE_CONSTRAINT_UNIQUE", "other"],
  ["ERR_INVALID_ARG_TYPE", "other"],
])("%s is %s", (code, fault) => {
  expect(faultOf(Object.assign(new Error("x"), { code }))).toBe(fault);
});

test("a problem of our own closes the file; what has no code is odd", () => {
  expect(faultOf(new Problem({ code: "state-newer", what: "x" }))).toBe("unusable");
  expect(faultOf(new TypeError("x"))).toBe("other");
  expect(faultOf("x")).toBe("other");
});
