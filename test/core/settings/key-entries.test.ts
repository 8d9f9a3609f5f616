import { expect, test } from "bun:test";
import { KeyNames, parseKeyEntries } from "../../../src/core/settings/keys.ts";
import { formatSettingPath } from "../../../src/core/settings/setting-kinds.ts";

test("an entry holds its secret, a variable's name or a place in the keychain", () => {
  const keys = [
    { provider: "a", name: "work", value: " s-1 " },
    { provider: "a", env: "VARIABLE", enabled: false },
    { provider: "b", keychain: true },
    { provider: "a", name: "key-1", value: "s-2" },
  ];
  expect(parseKeyEntries({ keys })).toEqual({
    entries: [
      { provider: "a", name: "work", enabled: true, place: { kind: "value", secret: "s-1" } },
      { provider: "a", name: "key-2", enabled: false, place: { kind: "env", variable: "VARIABLE" } },
      { provider: "b", name: "key-1", enabled: true, place: { kind: "keychain" } },
      { provider: "a", name: "key-1", enabled: true, place: { kind: "value", secret: "s-2" } },
    ],
  });
  expect(parseKeyEntries({})).toEqual({ entries: [] });
});

test.each<[name: string, keys: unknown, path: string, what: RegExp]>([
  [
    "an unknown setting",
    [{ provider: "a", value: "s", valu: "HIDDEN" }],
    "keys[0].valu",
    /did you mean value/,
  ],
  ["no place", [{ provider: "a" }], "keys[0]", /one place for its secret/],
  ["two places", [{ provider: "a", value: "HIDDEN", env: "X" }], "keys[0]", /one place/],
  ["a missing provider", [{ value: "HIDDEN" }], "keys[0].provider", /is missing/],
  ["a line break inside", [{ provider: "a", value: "HID\nDEN" }], "keys[0].value", /cannot be this text/],
  ["a blank inside", [{ provider: "a", value: "HID DEN" }], "keys[0].value", /cannot be this text/],
  ["no text at all", [{ provider: "a", value: "  " }], "keys[0].value", /cannot be/],
  ["a number for a secret", [{ provider: "a", value: 4242 }], "keys[0].value", /cannot be a number/],
  ["a secret for a variable", [{ provider: "a", env: "HID-DEN" }], "keys[0].env", /cannot be this text/],
  [
    "a secret for a switch",
    [{ provider: "a", value: "s", enabled: "HIDDEN" }],
    "keys[0].enabled",
    /this text/,
  ],
  [
    "a name with a slash",
    [{ provider: "a", name: "x/y", value: "s" }],
    "keys[0].name",
    /cannot be this text/,
  ],
  [
    "a name given twice",
    [
      { provider: "a", name: "x", value: "s" },
      { provider: "b", name: "x", value: "s" },
      { provider: "a", name: "x", value: "t" },
    ],
    "keys[2].name",
    /another key's/,
  ],
  ["a table for the list", { provider: "a" }, "keys", /cannot be a table/],
])("%s is one fault that keeps the value to itself", (_name, keys, path, what) => {
  const parsed = parseKeyEntries({ keys });
  const faults = "faults" in parsed ? parsed.faults : [];
  expect(faults.map((fault) => formatSettingPath(fault.path))).toEqual([path]);
  expect(faults[0]?.what).toMatch(what);
  expect(JSON.stringify(faults)).not.toMatch(/HID|DEN|4242/);
});

test("the default name is the first free number of that provider", () => {
  const taken = [
    { provider: "a", name: "key-1" },
    { provider: "b", name: "key-2" },
    { provider: "a", name: "key-3" },
  ];
  expect(new KeyNames(taken).free("a")).toBe("key-2");
  expect(new KeyNames(taken).free("c")).toBe("key-1");
});
