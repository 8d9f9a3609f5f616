import { expect, test } from "bun:test";
import { requestHead } from "../../../src/core/http/request-head.ts";

const PLACE = { target: "/v1/models?all=1", host: "127.0.0.1:8080" };

test("a head has its host, its fields and the length of its body, and ends with an empty line", () => {
  const head = requestHead({
    ...PLACE,
    method: "POST",
    fields: { accept: "*/*", "x-a": "ü" },
    bodyBytes: 12,
  });
  expect(head.split("\r\n")).toEqual([
    "POST /v1/models?all=1 HTTP/1.1",
    "host: 127.0.0.1:8080",
    "accept: */*",
    "x-a: ü",
    "content-length: 12",
    "",
    "",
  ]);
});

test("only a method that has a body says that it is empty", () => {
  const lengthOf = (method: string): boolean =>
    requestHead({ ...PLACE, method, fields: {}, bodyBytes: undefined }).includes("content-length: 0");
  expect(["POST", "PUT", "GET", "HEAD", "DELETE"].map(lengthOf)).toEqual([true, true, false, false, false]);
});

test.each(["a\r\nx-smuggled: 1", "a\nb", "a\rb", "a\0b", "a\x7fb", "schlüssel→"])(
  "a value that could be more than one line, or is no bytes, is not sent, nor shown: %j",
  (value) => {
    const make = (): string =>
      requestHead({ ...PLACE, method: "GET", fields: { authorization: value }, bodyBytes: undefined });
    expect(make).toThrow("the header authorization holds what no header may");
  },
);
