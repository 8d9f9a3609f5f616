import type { Stage } from "./stages.ts";

const FOLDER = "home/.config/opencode";
const OLLAMA = {
  "ollama-cloud": { keys: ["a", "b", "c"], models: ["gpt-oss:120b", "gpt-oss:20b", "gemma4:31b"] },
};

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** Machines that used one of the older tools, with its files as in its readme. */
export function olderTools(secretOf: (provider: string, name: string) => string): Record<string, Stage> {
  const ollamaKeys = OLLAMA["ollama-cloud"].keys.map((name) => secretOf("ollama-cloud", name));
  return {
    ollamaRouter: {
      providers: OLLAMA,
      keysOf: [],
      files: {
        [`${FOLDER}/ollama-router.json`]: json({
          providerId: "ollama-router",
          maxRetries: 3,
          failWindowMs: 7_200_000,
          keys: ollamaKeys,
        }),
        [`${FOLDER}/opencode.json`]: json({ plugin: ["opencode-ollama-router"] }),
      },
    },
    ollamaRouterGone: {
      providers: OLLAMA,
      files: { [`${FOLDER}/opencode.json`]: json({ plugin: [] }) },
    },
    multiAuth: {
      providers: OLLAMA,
      keysOf: [],
      files: {
        [`${FOLDER}/opencode.json`]: json({
          model: "ollama-multi/kimi-k2.6",
          provider: {
            "ollama-multi": {
              npm: "@ai-sdk/openai-compatible",
              options: { baseURL: "https://ollama.com/v1" },
              models: { "kimi-k2.6": { name: "Kimi K2.6" } },
            },
          },
          plugin: [
            [
              "opencode-ollama-multi-auth",
              { ollamaMultiAuth: { keys: ollamaKeys, failWindowMs: 18_000_000, maxRetries: 5 } },
            ],
          ],
        }),
      },
    },
    omnirouteAuth: {
      providers: { omniroute: { keys: ["mine"], models: ["auto", "Designer", "cx/gpt-5.1-codex"] } },
      keysOf: [],
      files: {
        [`${FOLDER}/opencode.json`]: json({
          plugin: ["opencode-omniroute-auth"],
          provider: { omniroute: { options: { baseURL: "http://localhost:20128/v1", apiMode: "chat" } } },
        }),
        "home/.local/share/opencode/auth.json": json({
          omniroute: { type: "api", key: secretOf("omniroute", "mine") },
        }),
      },
    },
    nimRotator: {
      providers: {
        nvidia: {
          keys: ["work", "home"],
          models: ["openai/gpt-oss-120b", "meta/llama-3.1-8b-instruct"],
        },
      },
      keysOf: [],
      files: {
        [`${FOLDER}/nim-rotator-keys.json`]: json({
          keys: ["work", "home"].map((name, at) => ({
            id: `id-${at}`,
            name,
            key: secretOf("nvidia", name),
            enabled: at === 0,
          })),
          rotationStrategy: "least-failures",
          fallbackChain: [{ id: "openai/gpt-oss-120b" }, { id: "meta/llama-3.1-8b-instruct" }],
          maxRateLimitFailures: 5,
        }),
        [`${FOLDER}/opencode.json`]: json({ plugin: ["@hallaxius/opencode-nim-rotator"] }),
      },
    },
    omnirouteGuide: {
      providers: OLLAMA,
      files: {
        [`${FOLDER}/opencode.json`]: json({
          provider: {
            omniroute: {
              npm: "@ai-sdk/openai-compatible",
              options: { baseURL: "http://localhost:20128/v1/v1", apiKey: "sk_omniroute" },
              models: { auto: { name: "auto" } },
            },
          },
        }),
      },
    },
  };
}
