import { CHAIN_PROVIDER, formatModelRef, type ModelRef, parseModelRef } from "../model-ref.ts";
import { chainNamed, expandModels } from "../settings/chains.ts";
import type { Settings } from "../settings/settings.ts";

/** The models a request may be answered by, the one asked for first; empty when there is no such chain. */
export function targetsOf(ref: ModelRef, settings: Pick<Settings, "chains" | "fallbacks">): ModelRef[] {
  const asked = formatModelRef(ref);
  const chain = chainNamed(asked);
  if (chain !== undefined && !Object.hasOwn(settings.chains, chain)) return [];
  const behind = settings.fallbacks[asked] ?? settings.fallbacks["*"] ?? [];
  return toRefs(expandModels([asked, ...behind], settings.chains));
}

/** Every model that chains and fallbacks name. */
export function namedModels(settings: Pick<Settings, "chains" | "fallbacks">): ModelRef[] {
  const entries = [...Object.values(settings.chains), ...Object.values(settings.fallbacks)].flat();
  const single = Object.keys(settings.fallbacks).filter((model) => model !== "*");
  return toRefs(expandModels([...entries, ...single], settings.chains));
}

/** The model a request means: under `/v1` and under `/orouter/v1` the name may carry its provider. */
export function askedRef(provider: string | undefined, model: string): ModelRef | undefined {
  if (provider !== undefined && provider !== CHAIN_PROVIDER) return { provider, model };
  const ref = parseModelRef(model);
  // A bare name can only be a chain's.
  return ref ?? { provider: CHAIN_PROVIDER, model };
}

function toRefs(models: readonly string[]): ModelRef[] {
  return models.flatMap((model) => parseModelRef(model) ?? []);
}
