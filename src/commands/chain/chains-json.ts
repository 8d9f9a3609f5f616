import { type ModelTraits, takesImages } from "../../core/catalog/model-entry.ts";
import { readinessJson } from "../../core/routing/readiness.ts";
import type { ChainsView, ChainView, FallbackView, MemberView } from "./chain-view.ts";

/**
 * Chains as `chain list --json` prints them; scripts rely on these names, and what `models --json` and `status --json`
 * also have is called the same there. Limits are in tokens, times milliseconds since 1970, what is not known is null.
 * `bench` holds the medians of the last benchmark.
 */
export function chainsJson({ chains, fallbacks }: ChainsView) {
  return { chains: chains.map(chainJson), fallbacks: fallbacks.map(fallbackJson) };
}

function chainJson({ name, entries, traits, leftOut, members }: ChainView) {
  return { name, entries, ...traitsJson(traits), leftOut, models: members.map(memberJson) };
}

function memberJson({ model, traits, keys, ready, readiness, bench }: MemberView) {
  return {
    model,
    ...traitsJson(traits),
    keys,
    ready,
    ...readinessJson(readiness),
    bench:
      bench === undefined
        ? null
        : {
            atMs: bench.atMs,
            firstTokenMs: bench.firstTokenMs.median,
            tokensPerSecond: bench.tokensPerSecond?.median ?? null,
            isEstimated: bench.isEstimated,
          },
  };
}

function traitsJson(traits: ModelTraits) {
  return {
    context: traits.context ?? null,
    output: traits.output ?? null,
    toolCall: traits.toolCall ?? null,
    vision: takesImages(traits) ?? null,
  };
}

function fallbackJson({ model, entries, models }: FallbackView) {
  return { model, entries, models };
}
