import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Key } from "../../../src/core/key.ts";
import { mergeKeys } from "../../../src/core/settings/keys.ts";

function key(provider: string, name: string, secret: string, enabled = true): Key {
  return { provider, name, secret, enabled, fingerprint: secret, source: "environment", from: name };
}

test("the same secret counts once per provider, as its first place has it", () => {
  const merged = mergeKeys([
    [key("a", "work", "s1", false)],
    [key("a", "A_KEY", "s1"), key("b", "B_KEY", "s1")],
  ]);
  expect(merged).toEqual([key("a", "work", "s1", false), key("b", "B_KEY", "s1")]);
});

test("a name that is taken gets a number", () => {
  const merged = mergeKeys([
    [key("a", "x", "s1"), key("a", "x-2", "s2")],
    [key("a", "x", "s3"), key("b", "x", "s4")],
  ]);
  expect(merged.map(({ provider, name }) => `${provider}/${name}`)).toEqual(["a/x", "a/x-2", "a/x-3", "b/x"]);
});

test("no secret is lost, none comes twice, and no two keys of a provider share a name", () => {
  const word = fc.constantFrom("p", "q", "q-2", "q-3");
  const anyKey = fc
    .record({ provider: word, name: word, secret: word })
    .map((k) => key(k.provider, k.name, k.secret));
  fc.assert(
    fc.property(fc.array(fc.array(anyKey)), (places) => {
      const merged = mergeKeys(places);
      const secrets = merged.map((k) => `${k.provider} ${k.secret}`);
      expect(new Set(secrets)).toEqual(new Set(places.flat().map((k) => `${k.provider} ${k.secret}`)));
      expect(new Set(secrets).size).toBe(merged.length);
      expect(new Set(merged.map((k) => `${k.provider} ${k.name}`)).size).toBe(merged.length);
    }),
  );
});
