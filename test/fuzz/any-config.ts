import fc from "fast-check";

/** A secret in the wrong file; no message may repeat it. */
export const PLANTED = "sk-planted-0a1b2c3d4e5f6a7b8c9d";

const LINES = [
  'theme = "dracula"',
  `theme = "${PLANTED}"`,
  "[routing]",
  'strategy = "sticky"',
  'strategy = "fastest"',
  "tries_per_key = 1",
  "tries_per_key = -3",
  'fail_window = "5h"',
  'fail_window = "five hours"',
  'cooldown = { base = "30s", factor = 1.5, max = "1h" }',
  "cooldown = { base = 7 }",
  "[providers.ollama-cloud]",
  "[providers.work]",
  'base_url = "http://127.0.0.1:8000"',
  `base_url = "http://user:${PLANTED}@127.0.0.1/"`,
  'base_url = "ftp://nowhere"',
  `api_key = "${PLANTED}"`,
  "rpm = 40",
  'models = ["a", "b"]',
  "[[models]]",
  "match = '/[/i'",
  "match = '/gpt-.*/i'",
  'id = "x/y"',
  "context = 200000",
  "context = 99999999999999999999",
  "[chains]",
  'coding = ["ollama-cloud/a", "work/b"]',
  'coding = ["orouter/coding"]',
  "[fallbacks]",
  '"*" = ["coding"]',
  "[[rules]]",
  'verdict = "overloaded"',
  `text = "${PLANTED}"`,
  "[opencode]",
  "plugin = 1",
  "[opencode",
  "= 1",
  'a.b.c = "deep"',
  "__proto__ = 1",
  "nan = nan",
  "when = 1979-05-27T07:32:00Z",
  "# a comment",
  "",
];

/** A config.toml after careless editing. */
export const anyConfigText: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...LINES) }, fc.string({ maxLength: 20 })), {
      maxLength: 14,
    }),
    fc.constantFrom("\n", "\n", "\r\n", "\r"),
  )
  .map(([lines, newline]) => lines.join(newline));
