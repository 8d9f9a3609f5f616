import { expect, test } from "bun:test";
import { cleanSecret } from "../../../src/core/settings/keys.ts";

test.each<[text: string, secret: string | undefined]>([
  [" key-a\r\n", "key-a"],
  ["key a", undefined],
  ["key\ta", undefined],
  ["key\u0000a", undefined],
  ["kéy", undefined],
  ["", undefined],
])("%p is cleaned to %p", (text, secret) => {
  expect(cleanSecret(text)).toBe(secret);
});
