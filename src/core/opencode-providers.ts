import { CHAIN_PROVIDER } from "./model-ref.ts";
import type { OverlayModel, OverlayProvider } from "./overlay.ts";
import { findPreset } from "./presets.ts";
import type { Provider } from "./provider.ts";
import type { Settings } from "./settings.ts";
import { windowOf } from "./window.ts";

/** The AI SDK packages that opencode carries within itself, by the dialect they speak. */
const SDK = { chat: "@ai-sdk/openai-compatible", responses: "@ai-sdk/openai" } as const;

/** opencode retries a 404 of providers named like these, or sends them headers of its own; so they get another name. */
const SPECIAL_TO_OPENCODE = /^(?:openai|opencode)/;

/** Assumed where nobody says: too small a window compacts early, too large a one fails. */
const ASSUMED = { context: 131_072, output: 32_768 };

/** The id under which opencode knows a provider of ours. */
export function opencodeId(provider: string): string {
  return SPECIAL_TO_OPENCODE.test(provider) ? `${CHAIN_PROVIDER}-${provider}` : provider;
}

/** The providers that opencode is to reach through us: those with a key, and our own chains. */
export function overlayProviders(usable: readonly Provider[], settings: Settings): OverlayProvider[] {
  const providers = usable.map((provider) => overlayProvider(provider, settings));
  const chains = Object.keys(settings.chains);
  if (chains.length === 0) return providers;
  const models = chains.map((name) =>
    overlayModel(name, `${name} (chain)`, `${CHAIN_PROVIDER}/${name}`, settings),
  );
  return [
    ...providers,
    { id: CHAIN_PROVIDER, route: CHAIN_PROVIDER, name: "orouter", npm: SDK.chat, models },
  ];
}

function overlayProvider(provider: Provider, settings: Settings): OverlayProvider {
  const id = opencodeId(provider.id);
  const isKnown = findPreset(provider.id) !== undefined && id === provider.id;
  const models = provider.models.map((model) =>
    overlayModel(model, model, `${provider.id}/${model}`, settings),
  );
  return {
    id,
    route: provider.id,
    ...(isKnown ? {} : { name: provider.name, npm: SDK[provider.api] }),
    ...(models.length === 0 ? {} : { models }),
  };
}

function overlayModel(id: string, name: string, ref: string, settings: Settings): OverlayModel {
  const context = windowOf(ref, settings) ?? ASSUMED.context;
  const output = settings.models.findLast((one) => one.id === ref && one.output !== undefined)?.output;
  return { id, name, context, output: Math.min(output ?? ASSUMED.output, context) };
}
