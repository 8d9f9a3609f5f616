import { expect, test } from "bun:test";
import { parsePattern } from "../../../src/core/settings/setting-kinds.ts";

test.each<[text: string, source: string, flags: string]>([
  ["/gpt-5\\.3$/i", "gpt-5\\.3$", "i"],
  ["gpt-.*", "gpt-.*", ""],
  ["/a/b/", "a/b", ""],
  ["virtual/mine", "virtual/mine", ""],
  ["/v1/models", "/v1/models", ""],
  ["/a/gy", "a", ""],
])("%p compiles", (text, source, flags) => {
  const pattern = parsePattern(text);
  expect([pattern?.source.replaceAll("\\/", "/"), pattern?.flags]).toEqual([
    source.replaceAll("\\/", "/"),
    flags,
  ]);
});

test.each(["(", "", "/a/ii", "/[/"])("%p does not compile", (text) => {
  expect(parsePattern(text)).toBeUndefined();
});
