/** A model as opencode's picker shows it. */
interface OpenCodeModel {
  name: string;
}

/** A provider of an opencode config, as far as it is ours to write. */
export interface OpenCodeProvider {
  /** The AI SDK package that speaks to it; opencode carries both of ours within itself. */
  npm: string;
  name: string;
  options: {
    /** With exactly one version in its path. */
    baseURL: string;
    /** A key, a placeholder, or `{env:NAME}` and `{file:PATH}`, which opencode fills in itself. */
    apiKey: string;
  };
  models: Record<string, OpenCodeModel>;
}

/** An opencode config with nothing in it but providers. */
export interface OpenCodeConfig {
  $schema: string;
  provider: Record<string, OpenCodeProvider>;
}

/** What a provider is to be called, where it is and what it has. */
export interface OpenCodeConfigParts {
  id: string;
  name: string;
  baseURL: string;
  apiKey: string;
  /** `chat` where absent. */
  apiMode?: "chat" | "responses" | undefined;
  models: readonly string[];
  /** What people read in place of an id. */
  modelLabels?: Readonly<Record<string, string>> | undefined;
}

/** The schema that opencode and editors check a config against. */
const SCHEMA_URL = "https://opencode.ai/config.json";

const SDK = { chat: "@ai-sdk/openai-compatible", responses: "@ai-sdk/openai" } as const;

/** The opencode config that brings in one provider. It can be a whole file, or be merged into one. */
export function buildOpenCodeConfig(parts: OpenCodeConfigParts): OpenCodeConfig {
  const { id, name, baseURL, apiKey, models, modelLabels = {} } = parts;
  const labelOf = (model: string) => (Object.hasOwn(modelLabels, model) ? modelLabels[model] : undefined);
  return {
    $schema: SCHEMA_URL,
    provider: {
      [id]: {
        // Whatever else a config made by hand or by another tool may say, chat is what every server speaks.
        npm: parts.apiMode === "responses" ? SDK.responses : SDK.chat,
        name,
        options: { baseURL, apiKey },
        models: Object.fromEntries(models.map((model) => [model, { name: labelOf(model) ?? model }])),
      },
    },
  };
}
