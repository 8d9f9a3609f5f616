import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  ownWords,
  type ProviderWords,
  providerBody,
  providerHeader,
  providerWords,
} from "../../src/core/scrub.ts";
import { SecretFinder } from "../../src/core/secret-finder.ts";

/** A key without any form that tells it is one. */
const FORMLESS = "qwertzuiopasdfghjkly";
const ODD = 'pa/ss+w"ord&=17<x>';

const base64 = (text: string): string => Buffer.from(text).toString("base64");

const FORMS: [what: string, of: (secret: string) => string][] = [
  ["plain", (secret) => secret],
  ["in capitals", (secret) => secret.toUpperCase()],
  ["base64", base64],
  ["base64 one byte further", (secret) => base64(`k${secret}.`)],
  ["base64 two bytes further", (secret) => base64(`id${secret}.`)],
  ["base64 of a header", (secret) => base64(`Authorization: Bearer ${secret}\r\n`)],
  ["base64url", (secret) => Buffer.from(secret).toString("base64url")],
  ["hex", (secret) => Buffer.from(secret).toString("hex")],
  ["hex in capitals", (secret) => Buffer.from(secret).toString("hex").toUpperCase()],
  ["URL-encoded", (secret) => encodeURIComponent(secret)],
  ["percent-encoded throughout", (secret) => Buffer.from(secret).toString("hex").replace(/../g, "%$&")],
  ["in JSON", (secret) => JSON.stringify(secret).slice(1, -1)],
  ["in JSON as PHP has it", (secret) => JSON.stringify(secret).slice(1, -1).replaceAll("/", "\\/")],
  ["with invisible characters inside", (secret) => `${secret.slice(0, 5)}\u200b\u001b[0m${secret.slice(5)}`],
];

describe.each([FORMLESS, ODD])("a known secret such as %s", (secret) => {
  test.each(FORMS)("is not repeated %s", (_what, of) => {
    const said = providerWords(`we refuse ${of(secret)} here`, [secret]);
    expect(said).toContain("[redacted]");
    expect(said).toStartWith("we refuse ");
    // Of what is encoded with it, the rest may stay.
    expect(said.length).toBeLessThan(70);
  });
});

test("the beginning of a secret counts as the secret, a mere prefix of its kind does not", () => {
  const secret = "sk-or-v1-0a1b2c3d4e5f60718293a4b5c6d7e8f9";
  const finder = new SecretFinder([secret]);
  expect(finder.clean(`${secret.slice(0, 24)}…`)).toBe("[redacted]…");
  expect(finder.clean("keys begin with sk-or-v1-")).toBe("keys begin with sk-or-v1-");
});

test("what holds no secret is the very same, bytes too", () => {
  const finder = new SecretFinder([FORMLESS, ODD]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(finder.cleanBytes(bytes)).toBe(bytes);
    }),
  );
});

test("a secret is found at any place among any others", () => {
  const secret = fc.stringMatching(/^[\w-]{8,40}$/);
  fc.assert(
    fc.property(
      fc.string(),
      fc.array(secret, { minLength: 1, maxLength: 5 }),
      fc.string(),
      (before, secrets, after) => {
        const finder = new SecretFinder(secrets);
        for (const one of secrets) {
          expect(finder.isIn(before + one + after)).toBe(true);
          expect(finder.isIn(base64(before + one + after))).toBe(true);
        }
      },
    ),
  );
});

test.each<[what: string, text: string, expected: string]>([
  ["a title of the terminal", "\u001b]0;owned\u0007no", "no"],
  ["a link of the terminal", "\u001b]8;;http://x\u001b\\click\u001b]8;;\u001b\\", "click"],
  ["the clipboard", "a\u001b]52;c;cm0gLXJm\u001b\\b", "ab"],
  ["a device control string", "a\u001bPq#0\u001b\\b", "ab"],
  ["eight-bit controls", "a\u009b31mb\u009d0;t\u009cc", "abc"],
  ["an escape without an end", "a\u001b[", "a"],
  ["turned text", "safe\u202egnp.exe\u2066x\u2069\u200f", "safegnp.exex"],
  ["line breaks", "one\r\ntwo\u2028three", "one two three"],
])("%s does not reach a reader", (_what, text, expected) => {
  expect(providerWords(text, []) as string).toBe(expected);
});

test("a body without a secret is the very same, one with it is still JSON", () => {
  const body = '{ "error": {"message": "no such\\tmodel",  "code": 1.50} }';
  expect(providerBody(body, [FORMLESS]) as string).toBe(body);
  const bad = JSON.stringify({ error: { message: `key ${ODD}`, [ODD]: [`\u001b]0;x\u0007ok\nnext`, 7] } });
  expect(JSON.parse(providerBody(bad, [ODD]))).toEqual({
    error: { message: "key [redacted]", "[redacted]": ["ok\nnext", 7] },
  });
  const hidden = `{"error":{"message":"\\u0071${FORMLESS.slice(1)}"}}`;
  expect(JSON.parse(providerBody(hidden, [FORMLESS]))).toEqual({ error: { message: "[redacted]" } });
  const event = `data: {"error":"\\u001b[31m${base64(FORMLESS)}"}\n\n`;
  expect(providerBody(event, [FORMLESS]) as string).toBe('data: {"error":"[31m[redacted]"}\n\n');
  expect(providerBody("[".repeat(50_000), []).length).toBe(50_000);
});

test("a header with control characters is refused, one with a secret is not repeated", () => {
  expect(providerHeader("req-1", [FORMLESS])).toBe("req-1");
  expect(providerHeader(`key=${FORMLESS}`, [FORMLESS])).toBe("key=[redacted]");
  for (const value of ["a\u001b[0m", "a\u0000", "a\u009b", "a\nb"])
    expect(providerHeader(value, [])).toBeUndefined();
});

test("only words of ours that stand in the source need no check", () => {
  expect(ownWords("fine") as string).toBe("fine");
  const outside: string = String(["a key"]);
  // @ts-expect-error: a text from outside does not pass for words of ours
  const unchecked: ProviderWords = ownWords(outside);
  // @ts-expect-error: nor does it pass where a provider's words belong
  const raw: ProviderWords = outside;
  expect([unchecked, raw] as string[]).toEqual(["a key", "a key"]);
});
