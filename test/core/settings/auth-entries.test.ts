import { expect, test } from "bun:test";
import { readAuthEntries } from "../../../src/core/settings/keys.ts";

test("plain keys are read, sign-ins and whatever else stands there are passed over", () => {
  const text = JSON.stringify({
    "ollama-cloud": { type: "api", key: "k-1", metadata: {} },
    "github-copilot": { type: "oauth", refresh: "r", access: "a", expires: 0 },
    "https://corp": { type: "wellknown", key: "ENV", token: "t" },
    broken: { type: "api", key: 7 },
    odd: "text",
  });
  expect(readAuthEntries(text)).toEqual([{ provider: "ollama-cloud", text: "k-1" }]);
});

test.each(["", "{", "[]", "null", '"x"'])("%p is no such file", (text) => {
  expect(readAuthEntries(text)).toBeUndefined();
});
