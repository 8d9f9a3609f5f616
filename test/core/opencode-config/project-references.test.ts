import { expect, test } from "bun:test";
import {
  type ConfigReader,
  privateMentions,
  privateReferences,
} from "../../../src/core/opencode-config/project-references.ts";

/** Only paths below /keys are private. */
function readerWith(parts: Partial<ConfigReader> = {}): ConfigReader {
  const privatePlace = (path: string) => (path.startsWith("/keys/") ? path : undefined);
  return {
    env: { HOME: "/home/me", KEYS: "/keys", OPEN: "{file:", EMPTY: "", LINES: "a\nb\nc" },
    variableSecret: (name) => (name === "SECRET" ? "a secret" : undefined),
    privateFile: privatePlace,
    privateMatch: privatePlace,
    contentOf: (path) => (path === "./path.txt" ? " /keys/k\n" : 'text with "quotes"\n'),
    ...parts,
  };
}

const found = (source: string): [line: number, written: string, target: string][] =>
  privateReferences(source, readerWith()).map(({ line, written, target }) => [line, written, target]);

test.each<[what: string, source: string, line: number, written: string]>([
  ["a file", '{"a":"{file:/keys/k}"}', 1, "{file:/keys/k}"],
  ["a file in a name", '{"{file:/keys/k}":1}', 1, "{file:/keys/k}"],
  ["a file within an address", '{\n"mcp":{"url":"http://x/?{file:/keys/k}"}}', 2, "{file:/keys/k}"],
  ["a variable inside a file", '{\n\n"a":"{file:{env:KEYS}/k}"}', 3, "{file:{env:KEYS}/k}"],
  ["a reference begun by a variable", '{"a":"{env:OPEN}/keys/k}"}', 1, "{env:OPEN}/keys/k}"],
  ["a word cut by an empty variable", '{"a":"{fi{env:NONE}le:/keys/k}"}', 1, "{fi{env:NONE}le:/keys/k}"],
  ["a line after a comment", '{\n// {file:/keys/a}\n"a":"{file:/keys/k}"}', 3, "{file:/keys/k}"],
  ["a comment behind a value", '{"a":1} // {file:/keys/k}', 1, "{file:/keys/k}"],
  ["a comment that ends on its line", '{"b":2, /*\n*/ "a":"{file:/keys/k}"}', 2, "{file:/keys/k}"],
  ["a text that is no JSON", "{ not json {file:/keys/k}", 1, "{file:/keys/k}"],
  ["lines that a variable brings", '{"b":"{env:LINES}",\n"a":"{file:/keys/k}"}', 2, "{file:/keys/k}"],
  ["lines that end in CR LF", '{\r\n"b":1,\r\n"a":"{file:/keys/k}"}', 3, "{file:/keys/k}"],
  ["a secret variable", '{\n"a":"Bearer {env:SECRET}"}', 2, "{env:SECRET}"],
  ["instructions", '{\n"instructions":["docs/a.md",\n"/keys/k"]}', 3, '"/keys/k"'],
  ["escapes in a path", '{"instructions":["\\u002fkeys/k"]}', 1, '"\\u002fkeys/k"'],
  ["a path from a file", '{"instructions":["{file:./path.txt}"]}', 1, '"{file:./path.txt}"'],
  ["a skill's folder", '{"skills":{"paths":["/keys/k"]}}', 1, '"/keys/k"'],
  ["a reference's folder", '{"references":{"a":{"path":"/keys/k"}}}', 1, '"/keys/k"'],
  ["a file's address", '{"provider":{"a":{"api":"file:///keys/%6b"}}}', 1, '"file:///keys/%6b"'],
  ["a command's prompt", '{"command":{"a":{"template":"read @/keys/k now"}}}', 1, '"read @/keys/k now"'],
  ["a byte order mark", '\uFEFF{"instructions":["/keys/k"]}', 1, '"/keys/k"'],
])("%s is found with its line", (_what, source, line, written) => {
  expect(found(source)).toHaveLength(1);
  expect(found(source)[0]?.slice(0, 2)).toEqual([line, written]);
});

test.each<[what: string, source: string]>([
  ["a file of the project", '{"a":"{file:./prompt.md}"}'],
  ["a file with quotes in it", '{"agent":{"a":{"prompt":"{file:./prompt.md}"}}}'],
  ["a variable of the user's", '{"a":"{env:HOME}/x"}'],
  ["a line that opencode leaves alone", '{\n  // "a": "{file:/keys/k}"\n}'],
  ["a rule that denies", '{"permission":{"external_directory":{"/keys/**":"deny"}}}'],
  ["a text that only looks like a path", '{"username":"/keys/k"}'],
  ["an address in instructions", '{"instructions":["https://x.example/keys/k"]}'],
  ["no JSON", "{ broken"],
  ["nothing", ""],
  ["an empty reference", '{"a":"{file:}{env:}"}'],
  ["deep brackets", "[".repeat(100_000)],
])("%s is let through", (_what, source) => {
  expect(found(source)).toEqual([]);
});

test("several references come in the order of the text, each once", () => {
  const source =
    '{\n"instructions":["/keys/a"],\n"b":"{env:SECRET} {file:/keys/b}",\n"c":"{file:/keys/c}"\n}';
  expect(found(source).map(([line, , target]) => [line, target])).toEqual([
    [2, "/keys/a"],
    [3, "a secret"],
    [3, "/keys/b"],
    [4, "/keys/c"],
  ]);
});

test("what a variable stands for is not shown", () => {
  const reader = readerWith({ env: { TOKEN: "very-secret" }, privateFile: () => "keys.toml" });
  const shown = JSON.stringify(privateReferences('{"a":"{file:{env:TOKEN}/../k}"}', reader));
  expect(shown).toContain("{env:TOKEN}");
  expect(shown).not.toContain("very-secret");
});

test("a prompt's mentions are found, code and addresses of mail are not", () => {
  const source = "one\nread @/keys/k and `@/keys/x`, write to me@/keys/y";
  expect(privateMentions(source, readerWith())).toEqual([
    { line: 2, written: "@/keys/k", target: "/keys/k" },
  ]);
});
