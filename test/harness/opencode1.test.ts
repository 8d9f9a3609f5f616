import { expect, test } from "bun:test";
import { opencode1 } from "../../src/harness/opencode1/opencode1.ts";

const PROGRAM = { file: "/bin/opencode", version: "1.18.33", help: async () => undefined };

test.each<[words: string[], kind: "plain" | "routed"]>([
  [[], "routed"],
  [["run", "hi"], "routed"],
  [["--version"], "plain"],
  [["-h"], "plain"],
  [["auth", "login"], "plain"],
  [["run", "--help"], "plain"],
  [["run", "what does --help do", "--help"], "routed"],
  [["run", "--", "--help"], "routed"],
  [["serve"], "routed"],
  [["./project"], "routed"],
])("opencode 1: %j is %s, and its words stay as they are", async (words, kind) => {
  expect(await opencode1.plan(words, PROGRAM)).toEqual({ kind, args: words });
});

test.each<[words: string[], prints: boolean]>([
  [["run", "say hello"], true],
  [["run", "--format", "json", "hi"], true],
  [["run", "-i"], false],
  [[], false],
  [["-c"], false],
  [["run-this-folder"], false],
])("opencode 1: %j prints lines: %p", (words, prints) => {
  expect(opencode1.printsLines(words)).toBe(prints);
});

test.each<[words: string[], env: Record<string, string>, isShown: boolean]>([
  [[], {}, true],
  [["./project"], {}, true],
  [["run", "hi"], {}, false],
  [["--pure"], {}, false],
  [[], { OPENCODE_PURE: "1" }, false],
])("opencode 1: with %j and %j the plugin is shown: %p", (words, env, isShown) => {
  expect(opencode1.showsPlugin(words, env)).toBe(isShown);
});
