import type { Call } from "../../src/demo/call.ts";
import {
  answer,
  notInFreeUsage,
  openaiError,
  overloaded,
  type Reply,
  rateLimited,
  subscriptionRequired,
  unauthorized,
  usageLimit,
} from "../../src/demo/reply.ts";
import { olderTools } from "./older-tools.ts";

/** A scripted provider of a sample. */
export interface StageProvider {
  /** The names of its keys; `keySecret` has their values. Empty: it needs no key. */
  keys: readonly string[];
  models: readonly string[];
  /** The reply to a call, if it is not the usual answer. */
  reply?: (call: Call) => Reply | undefined;
  /** Its address on the page; by default that of the preset. */
  address?: string;
}

/** The machine before the first command of a sample. */
export interface Stage {
  providers: Readonly<Record<string, StageProvider>>;
  /** Lines of config.toml in addition to the addresses of the providers. */
  config?: string;
  /** Providers whose keys are in keys.toml from the start; by default all of them. */
  keysOf?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Files that samples use, by their path below the machine's folder: `project/keys.txt`, `home/.config/…`. */
  files?: Readonly<Record<string, string>>;
}

/** A made-up key value. */
export function keySecret(provider: string, name: string): string {
  return `made-up-${provider}-${name}`;
}

export function hello(call: Call): Reply {
  return answer(call, "Hello! What shall we build today?");
}

/** The first calls (except those for titles) get these replies; later calls get an answer. */
function inTurn(...replies: Reply[]): (call: Call) => Reply | undefined {
  return (call) => (call.isTitle ? undefined : replies[call.nthOfAll - 1]);
}

function fileOf(provider: string, ...names: string[]): string {
  return names.map((name) => `${keySecret(provider, name)}\n`).join("");
}

/** The reply of NIM for a function that is down. */
function nimDegraded(): Reply {
  const detail = "Function id 'f': DEGRADED function cannot be invoked";
  return { kind: "error", status: 400, body: { status: 400, title: "Bad Request", detail } };
}

const OLLAMA_KEYS = ["work", "home", "spare"];
const OLLAMA_MODELS = ["gpt-oss:120b", "gpt-oss:20b", "gemma4:31b", "glm-5.2"];
const NIM_MODELS = ["openai/gpt-oss-120b", "meta/llama-3.1-8b-instruct"];

const CODING = `[routing]
strategy = "round-robin"
[chains]
coding = ["ollama-cloud/gpt-oss:120b", "nvidia/openai/gpt-oss-120b", "ollama-cloud/gemma4:31b"]
`;

/** The stages that samples name in the comment above them. */
export const STAGES: Readonly<Record<string, Stage>> = {
  /** One key is refused, the next has used up its week, the third answers. */
  refusals: {
    providers: {
      "ollama-cloud": {
        keys: OLLAMA_KEYS,
        models: OLLAMA_MODELS,
        reply: inTurn(unauthorized(), usageLimit("weekly")),
      },
      nvidia: { keys: ["nim"], models: NIM_MODELS },
    },
    config: CODING,
  },
  /** No key can answer, for different reasons. */
  exhausted: {
    providers: {
      "ollama-cloud": {
        keys: OLLAMA_KEYS,
        models: OLLAMA_MODELS,
        reply: (call) => (call.keyName === "work" ? unauthorized() : subscriptionRequired()),
      },
    },
  },
  /** Providers in good health, with keys for one of them. */
  fine: {
    providers: {
      "ollama-cloud": { keys: OLLAMA_KEYS, models: OLLAMA_MODELS },
      nvidia: { keys: ["nim"], models: NIM_MODELS },
    },
    files: { "project/keys.txt": fileOf("ollama-cloud", ...OLLAMA_KEYS) },
    keysOf: ["nvidia"],
  },
  /** Three free plans. */
  threeAccounts: {
    providers: {
      "ollama-cloud": {
        keys: OLLAMA_KEYS,
        models: OLLAMA_MODELS,
        reply: (call) => (call.model === "glm-5.2" ? notInFreeUsage() : undefined),
      },
    },
    files: { "project/keys.txt": fileOf("ollama-cloud", ...OLLAMA_KEYS) },
    keysOf: [],
  },
  nim: {
    providers: { nvidia: { keys: ["nim"], models: NIM_MODELS } },
    files: { "project/nim-key.txt": fileOf("nvidia", "nim") },
    keysOf: [],
  },
  /** OmniRoute answers, and what is behind it does not always. */
  omniroute: {
    providers: {
      omniroute: {
        keys: ["mine"],
        models: ["auto", "cx/gpt-5.1-codex"],
        reply: () => openaiError(503, "Maximum combo retry limit reached", "service_unavailable"),
      },
      "ollama-cloud": { keys: OLLAMA_KEYS, models: OLLAMA_MODELS },
    },
    files: { "project/omniroute-key.txt": fileOf("omniroute", "mine") },
    keysOf: ["ollama-cloud"],
  },
  /** Every provider of a chain fails in a different way, except the last. */
  mixed: {
    providers: {
      "ollama-cloud": {
        keys: ["home"],
        models: OLLAMA_MODELS,
        reply: (call) => (call.model === "glm-5.2" ? subscriptionRequired() : undefined),
      },
      nvidia: { keys: ["nim"], models: NIM_MODELS, reply: () => nimDegraded() },
      groq: {
        keys: ["fast"],
        models: ["openai/gpt-oss-120b", "openai/gpt-oss-20b"],
        reply: () => rateLimited(600),
      },
    },
  },
  /** Every cloud model is down; the local one is not. */
  outage: {
    providers: {
      "ollama-cloud": { keys: OLLAMA_KEYS, models: OLLAMA_MODELS, reply: () => overloaded() },
      nvidia: { keys: ["nim"], models: NIM_MODELS, reply: () => rateLimited() },
      cellar: { keys: [], models: ["qwen3-coder:30b"], address: "http://localhost:8000/v1" },
    },
  },
  /** A provider with its own error text. */
  ownWords: {
    providers: {
      work: {
        keys: ["first", "second"],
        models: ["house-model", "small-model"],
        address: "https://models.example.com/v1",
        reply: (call) =>
          call.model === "house-model" ? openaiError(500, "pool is drained", "internal") : undefined,
      },
    },
  },
  /** Keys come from the environment alone. */
  ci: {
    providers: {
      "ollama-cloud": { keys: OLLAMA_KEYS, models: OLLAMA_MODELS, reply: inTurn(usageLimit("session")) },
    },
    keysOf: [],
    env: {
      OLLAMA_API_KEY: keySecret("ollama-cloud", "work"),
      OLLAMA_API_KEY_1: keySecret("ollama-cloud", "home"),
    },
  },
  /** Neither a file nor a variable. */
  nothing: { providers: {} },
  ...olderTools(keySecret),
};
