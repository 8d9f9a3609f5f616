import { expect, test } from "bun:test";
import { importedSecret, importProvider } from "../../../src/core/imports/plan-import.ts";
import {
  readAuthImport,
  readEnvImport,
  readNimRotator,
  readOllamaTool,
  recogniseImport,
} from "../../../src/core/imports/tools.ts";
import { allProviders, defaultSettings, parseSettings } from "../../../src/core/settings/settings.ts";

const value = (secret: string) => ({ kind: "value", secret }) as const;
const providers = allProviders(defaultSettings());

test("ollama-router.json: its keys, its tries and its window", () => {
  const file = {
    providerId: "x",
    maxRetries: 3,
    failWindowMs: 7_200_000,
    keys: ["a-1", "your-ollama-api-key-2"],
  };
  const found = readOllamaTool("ollama-router", file, { id: "ollama-cloud" });
  expect(found.keys).toEqual([
    { provider: "ollama-cloud", name: undefined, enabled: true, place: value("a-1") },
  ]);
  expect(found.leftOut).toEqual(["Key 2 of 2 is left out: it is the example of the readme, no key."]);
  expect(found.settings).toEqual({ triesPerKey: 3, failWindowMs: 7_200_000 });
});

test("multi-auth: the same word is another setting there, and its options stand under a name", () => {
  const options = { ollamaMultiAuth: { keys: ["a-1"], failWindowMs: 18_000_000, maxRetries: 5 } };
  const found = readOllamaTool("multi-auth", options, { id: "own", baseUrl: "http://127.0.0.1:1/v1" });
  expect(found.keys[0]?.provider).toBe("own");
  expect(found.settings).toEqual({
    failWindowMs: 18_000_000,
    provider: { id: "own", baseUrl: "http://127.0.0.1:1/v1" },
  });
});

test("nim-rotator: names, who is switched off, strategy, threshold and chain", () => {
  const found = readNimRotator({
    keys: [
      { id: "1", name: "work key", key: "nvapi-one", enabled: true },
      { id: "2", name: "spare", key: "nvapi-two", enabled: false },
      { id: "3", name: "example", key: "nvapi-..." },
    ],
    rotationStrategy: "least-failures",
    maxRateLimitFailures: 4,
    fallbackChain: [{ id: "nvidia/llama-3.1-70b-instruct" }, { id: "openai/gpt-oss-120b" }],
  });
  expect(found.keys).toEqual([
    { provider: "nvidia", name: "work key", enabled: true, place: value("nvapi-one") },
    { provider: "nvidia", name: "spare", enabled: false, place: value("nvapi-two") },
  ]);
  expect(found.leftOut).toHaveLength(1);
  expect(found.settings).toEqual({
    strategy: "least-failures",
    rateLimitThreshold: 4,
    chain: ["nvidia/nvidia/llama-3.1-70b-instruct", "nvidia/openai/gpt-oss-120b"],
  });
});

test.each<[name: string, file: unknown]>([
  ["nothing", undefined],
  ["a list", []],
  ["keys that are no list", { keys: "a" }],
  ["keys of every kind", { keys: [1, null, {}, [], { key: 7 }] }],
  [
    "settings of every kind",
    { keys: [], maxRetries: "3", failWindowMs: -1, fallbackChain: 3, rotationStrategy: 4 },
  ],
])("%s gives no key and no setting", (_name, file) => {
  for (const found of [readNimRotator(file), readOllamaTool("ollama-router", file, { id: "o" })]) {
    expect(found.keys).toEqual([]);
    expect(found.settings).toEqual({});
  }
});

test.each<[text: unknown, isKey: boolean]>([
  ["a-good-key.1", true],
  ["  nvapi-abc  ", true],
  ["your-ollama-api-key-1", false],
  ["your_key", false],
  ["nvapi-...", false],
  ["<key>", false],
  ["{env:OLLAMA_API_KEY}", false],
  ["two words", false],
  ["", false],
  [7, false],
])("%p is a key: %p", (text, isKey) => {
  expect("secret" in importedSecret(text)).toBe(isKey);
});

test.each<[name: string, id: string, baseUrl: string | undefined, owner: unknown]>([
  ["no address", "ollama-multi", undefined, { id: "ollama-cloud" }],
  ["Ollama's", "mine", "https://ollama.com/v1", { id: "ollama-cloud" }],
  ["Ollama's without a version", "mine", "https://ollama.com", { id: "ollama-cloud" }],
  ["one that is known by name", "mine", "https://api.groq.com/openai/v1/", { id: "groq" }],
  ["another", "mine", "http://127.0.0.1:9", { id: "mine", baseUrl: "http://127.0.0.1:9/v1" }],
  [
    "another, under a name that is taken",
    "groq",
    "http://127.0.0.1:9/v1",
    { id: "imported", baseUrl: "http://127.0.0.1:9/v1" },
  ],
  [
    "another, under a name that cannot be",
    "orouter",
    "http://127.0.0.1:9/v1",
    { id: "imported", baseUrl: "http://127.0.0.1:9/v1" },
  ],
  ["none at all", "mine", "{env:URL}", { id: "ollama-cloud" }],
])("keys of a provider with %s as its address", (_name, id, baseUrl, owner) => {
  expect(importProvider({ id, baseUrl }, providers)).toEqual(owner as ReturnType<typeof importProvider>);
});

test("the environment's keys have their variables' names", () => {
  const parsed = parseSettings({ providers: { own: { base_url: "http://127.0.0.1:9/v1", env: "OWN_KEY" } } });
  if ("faults" in parsed) throw new Error("the settings of this test are wrong");
  const env = { OWN_KEY: "own-1", OWN_KEY_2: "own-2", GROQ_API_KEY: "two words" };
  const found = readEnvImport(env, allProviders(parsed.settings));
  expect(found.keys.map(({ provider, name }) => `${provider}/${name}`)).toEqual([
    "own/OWN_KEY",
    "own/OWN_KEY_2",
  ]);
  expect(found.leftOut).toEqual([
    "The key of GROQ_API_KEY is left out: it has blanks or odd characters inside.",
  ]);
});

test("of opencode's keys those are taken that somebody here answers to", () => {
  const entries = [
    { provider: "groq", text: "gsk-1" },
    { provider: "stranger", text: "s-1" },
  ];
  const found = readAuthImport(entries, (id) => (id === "groq" ? id : undefined));
  expect(found.keys.map(({ provider }) => provider)).toEqual(["groq"]);
  expect(found.leftOut[0]).toContain("stranger");
});

test.each<[name: string, value: unknown, fileName: string, format: string | undefined]>([
  ["an export", { format: "orouter-keys", version: 1, keys: [] }, "x", "export"],
  ["opencode's config", { plugin: [], keys: ["a"] }, "x", "opencode-config"],
  ["the rotator's store", { keys: [{ name: "a", key: "b" }] }, "x", "nim-rotator"],
  ["the rotator's store, empty", { keys: [], rotationStrategy: "round-robin" }, "x", "nim-rotator"],
  ["a list of texts", { keys: ["a"] }, "keys.json", "ollama-router"],
  ["a list of texts in multi-auth's file", { keys: ["a"] }, "ollama-multi-auth.json", "multi-auth"],
  [
    "a list of texts of multi-auth's provider",
    { keys: ["a"], providerId: "ollama-multi" },
    "x",
    "multi-auth",
  ],
  ["multi-auth's options", { ollamaMultiAuth: { keys: [] } }, "x", "multi-auth"],
  ["auth.json", { groq: { type: "api", key: "a" }, x: { type: "oauth" } }, "x", "auth"],
  ["anything else", { a: 1 }, "package.json", undefined],
  ["nothing", {}, "x", undefined],
  ["no object", [1], "x", undefined],
])("%s is known by its content", (_name, content, fileName, format) => {
  expect(recogniseImport(content, fileName)).toBe(format as ReturnType<typeof recogniseImport>);
});
