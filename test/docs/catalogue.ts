import type { StageProvider } from "./stages.ts";

/** What models.dev would know of the models in the samples. */
export function startCatalogue(
  providers: readonly (readonly [id: string, provider: Pick<StageProvider, "models">])[],
) {
  const catalogue = Object.fromEntries(
    providers.map(([id, { models }]) => [
      id,
      { id, name: id, env: [], models: Object.fromEntries(models.map((model) => [model, entryOf(model)])) },
    ]),
  );
  return Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json(catalogue) });
}

function entryOf(id: string): object {
  const sees = id.startsWith("gemma");
  return {
    id,
    name: id,
    attachment: sees,
    reasoning: false,
    tool_call: true,
    modalities: { input: sees ? ["text", "image"] : ["text"], output: ["text"] },
    limit: sees ? { context: 262_144, output: 8_192 } : { context: 131_072, output: 32_768 },
  };
}
