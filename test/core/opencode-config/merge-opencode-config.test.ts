import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  buildOpenCodeConfig,
  mergeOpenCodeConfig,
} from "../../../src/core/opencode-config/opencode-config.ts";
import { NASTY } from "./nasty.ts";

const CONFIG = buildOpenCodeConfig({
  id: "omniroute",
  name: "OmniRoute",
  baseURL: "http://localhost:20128/v1",
  apiKey: "sk_omniroute",
  models: ["auto", "gpt-5.5"],
  modelLabels: { auto: "Auto-Combo" },
});

function merged(text: string, config = CONFIG): string {
  const result = mergeOpenCodeConfig(text, config);
  if (result.kind === "faulty") throw new Error(JSON.stringify(result.fault));
  return result.text;
}

type Fields = Record<string, unknown>;

/** Bun's own parser, so that the parser under test does not judge itself. */
function read(text: string): Fields {
  return Bun.JSONC.parse(text.replace(/^\uFEFF/, "")) as Fields;
}

/** Everything except our entry. */
function others(text: string): Fields {
  const value = text.replace(/^\uFEFF|\/\/[^\n]*|\s/g, "") === "" ? {} : read(text);
  const { provider, $schema: _, ...rest } = value;
  const { omniroute: __, ...providers } = (provider ?? {}) as Fields;
  return { rest, providers };
}

const COMMENT = /"(?:[^"\\]|\\.)*"|\/\/[^\r\n]*|\/\*[\s\S]*?\*\//g;
const commentsOf = (text: string) => (text.match(COMMENT) ?? []).filter((piece) => piece.startsWith("/"));

/** Lines of the old text that the new one lacks, ignoring commas: a value gets one when another follows. */
function lostLines(before: string, after: string): string[] {
  const left = after.replaceAll(",", "").split("\n");
  return before.split("\n").filter((line) => {
    const at = left.indexOf(line.replaceAll(",", ""));
    if (at >= 0) left.splice(0, at + 1);
    return at < 0;
  });
}

describe.each(Object.entries(NASTY))("a config with %s", (_name, { text, lost = [] }) => {
  test("says afterwards what it said before, and our entry", () => {
    const after = merged(text);
    expect(others(after)).toEqual(others(text));
    expect((read(after)["provider"] as Fields)["omniroute"]).toMatchObject(
      CONFIG.provider["omniroute"] ?? {},
    );
  });

  test("keeps every line and every comment that is not our entry's", () => {
    const after = merged(text);
    expect(lostLines(text, after)).toEqual(lost);
    expect(commentsOf(after)).toEqual(commentsOf(text));
  });

  test("keeps its line ends, its byte order mark and its indentation", () => {
    const after = merged(text);
    expect(after.startsWith("\uFEFF")).toBe(text.startsWith("\uFEFF"));
    if (text.includes("\r\n")) expect(after.replaceAll("\r\n", "")).not.toContain("\n");
    else expect(after).not.toContain("\r");
    if (/^\t/m.test(text)) expect(after).not.toMatch(/^ +"/m);
  });

  test("does not change a second time", () => {
    const once = merged(text);
    expect(merged(once)).toBe(once);
  });
});

test("a new property follows the comment of the last one", () => {
  expect(merged('{\n\t"model": "a/b" // the good one\n}\n')).toStartWith(
    '{\n\t"model": "a/b", // the good one\n\t"provider": {\n\t\t"omniroute": {\n\t\t\t"npm": ',
  );
});

test("an entry that is there keeps what we do not speak of, and its models become ours", () => {
  const before = `{
  "provider": {
    "omniroute": {
      // by hand
      "options": { "baseURL": "http://localhost:20128/v1/v1", "timeout": 600000 }, // patient
      "models": {
        "old": { "name": "Old" }, // goes
        "auto": { "name": "A", "limit": { "context": 200000, "output": 8192 } },
        "older": {},
        // the last one
        "oldest": { "name": "Oldest" }
      }
    }
  }
}
`;
  expect(merged(before)).toBe(`{
  "provider": {
    "omniroute": {
      // by hand
      "options": { "baseURL": "http://localhost:20128/v1", "timeout": 600000, "apiKey": "sk_omniroute" }, // patient
      "models": {
        // goes
        "auto": { "name": "Auto-Combo", "limit": { "context": 200000, "output": 8192 } },
        // the last one
        "gpt-5.5": {
          "name": "gpt-5.5"
        }
      },
      "npm": "@ai-sdk/openai-compatible",
      "name": "OmniRoute"
    }
  }
}
`);
});

test.each<[name: string, before: string, after: string]>([
  [
    "the last of a list",
    '{ "auto": {"name":"Auto-Combo"}, "gpt-5.5": {"name":"gpt-5.5"}, "z": 1 }',
    '{ "auto": {"name":"Auto-Combo"}, "gpt-5.5": {"name":"gpt-5.5"} }',
  ],
  [
    "the last of a list that ends in a comma",
    '{ "auto": {"name":"Auto-Combo"}, "gpt-5.5": {"name":"gpt-5.5"}, "z": 1, }',
    '{ "auto": {"name":"Auto-Combo"}, "gpt-5.5": {"name":"gpt-5.5"}, }',
  ],
  [
    "the first of a list",
    '{ "z": 1, "auto": {"name":"Auto-Combo"}, "gpt-5.5": {"name":"gpt-5.5"} }',
    '{ "auto": {"name":"Auto-Combo"}, "gpt-5.5": {"name":"gpt-5.5"} }',
  ],
  [
    "one with a comment ahead of its comma",
    '{ "auto": {"name":"Auto-Combo"}, "z": 1 /* z */, "gpt-5.5": {"name":"gpt-5.5"} }',
    '{ "auto": {"name":"Auto-Combo"}, /* z */ "gpt-5.5": {"name":"gpt-5.5"} }',
  ],
])("a model that is no longer wanted goes with its comma: %s", (_name, before, after) => {
  const around = (models: string) =>
    `{"provider": {"omniroute": {"npm": "@ai-sdk/openai-compatible", "name": "OmniRoute", "options": ${JSON.stringify(CONFIG.provider["omniroute"]?.options)}, "models": ${models}}}}`;
  expect(merged(around(before))).toBe(around(after));
});

test.each<[name: string, text: string, line: number, column: number, what: string]>([
  ["a missing colon", '{\n  "a" 1\n}', 2, 7, "a colon is missing here"],
  ["a missing comma", '{\r\n  "a": 1\r\n  "b": 2\r\n}', 3, 3, "a comma is missing here"],
  ["two commas", '{"a":1,,}', 1, 8, "a name in double quotes is missing here"],
  ["an open brace", '{\n  "a": {\n', 3, 1, "a } is missing here"],
  ["an open comment", "{} /* and so", 1, 4, "this comment is never closed"],
  ["an open text", '{"a": "b\n}', 1, 7, "this text is never closed"],
  ["words behind the end", "{}\n{}", 2, 1, "nothing may follow the closing bracket"],
  ["something else than JSON", "\uFEFFmodel = 3", 1, 1, "this is no JSON value"],
  ["a list", "// mine\n[]", 2, 1, "the whole file has to be an object in braces"],
  ["null", "null", 1, 1, "the whole file has to be an object in braces"],
  ["a provider that is a list", '{\n\t"provider": []\n}', 2, 14, '"provider" has to be an object in braces'],
  [
    "an entry that is a text",
    '{"provider": {"omniroute": "x"}}',
    1,
    28,
    '"provider.omniroute" has to be an object in braces',
  ],
  [
    "models that are a list",
    '{"provider": {"omniroute": {"models": ["a"]}}}',
    1,
    39,
    '"provider.omniroute.models" has to be an object in braces',
  ],
])("a text with %s is refused with the place", (_name, text, line, column, what) => {
  expect(mergeOpenCodeConfig(text, CONFIG)).toEqual({ kind: "faulty", fault: { line, column, what } });
});

test("brackets without end do not break the reader", () => {
  const text = "[".repeat(200_000) + "]".repeat(200_000);
  expect(mergeOpenCodeConfig(text, CONFIG)).toMatchObject({ kind: "faulty" });
});

test("null where an object belongs is filled", () => {
  expect(merged('{ "provider": { "omniroute": null } }')).toContain('"omniroute": { "npm": ');
});

/** JSON with comments and random layout. */
const trivia = fc.constantFrom("", " ", "\n", "\r\n", "\t", " // note\n", '/* " , } */', "\n  /* a\n b */\n");
const scalar = fc
  .oneof(fc.string({ unit: "grapheme" }), fc.integer(), fc.boolean(), fc.constant(null))
  .map((value) => JSON.stringify(value));
const key = fc
  .oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("provider2", "models", "//", "é"))
  .map((value) => JSON.stringify(value));
const { tree } = fc.letrec<{ tree: string; value: string }>((tie) => ({
  value: fc.oneof({ depthSize: "small" }, scalar, tie("tree")),
  tree: fc
    .tuple(
      fc.array(fc.tuple(trivia, key, trivia, tie("value"), trivia), { maxLength: 4 }),
      trivia,
      fc.boolean(),
    )
    .map(([fields, end, hasComma]) => {
      const body = fields.map(([a, name, b, inner, c]) => `${a}${name}${b}:${inner}${c}`).join(",");
      return `{${body}${hasComma && fields.length > 0 ? "," : ""}${end}}`;
    }),
}));

test("whatever the layout, only our entry comes in, every comment stays, and once is enough", () => {
  const anyText = fc
    .tuple(trivia, tree, tree, fc.boolean(), trivia)
    .map(([head, top, providers, hasProvider, tail]) => {
      const text = hasProvider ? `{"provider":${providers},"x":${top}}` : top;
      return head + text + tail;
    });
  fc.assert(
    fc.property(anyText, (text) => {
      const after = merged(text);
      expect(others(after)).toEqual(others(text));
      expect(commentsOf(after)).toEqual(commentsOf(text));
      expect(merged(after)).toBe(after);
      const fewer = buildOpenCodeConfig({
        id: "omniroute",
        name: "O",
        baseURL: "http://h/v1",
        apiKey: "none",
        models: ["gpt-5.5"],
      });
      const again = merged(after, fewer);
      expect(others(again)).toEqual(others(text));
      expect(commentsOf(again)).toEqual(commentsOf(text));
      expect((read(again)["provider"] as Fields)["omniroute"]).toEqual(fewer.provider["omniroute"] ?? {});
    }),
    { numRuns: 500 },
  );
});
