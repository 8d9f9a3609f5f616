import { looksLikeSecret } from "../../cli/looks-like-secret.ts";
import { secretInWords } from "../../cli/usage-problem.ts";
import { didYouMean, nearest } from "../../core/nearest.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { allProviders, type Settings } from "../../core/settings/settings.ts";

/** The provider of an id; an unknown one is a Problem with the way to it. */
export function findProvider(settings: Settings, id: string): Provider {
  const providers = allProviders(settings);
  const found = providers.find((provider) => provider.id === id);
  if (found !== undefined) return found;
  if (looksLikeSecret(id)) throw secretInWords();
  const near = nearProvider(id, providers);
  throw new Problem({
    code: "unknown-provider",
    what: `There is no provider ${JSON.stringify(id)}.${didYouMean(near)}`,
    fix: [
      `Known by name: ${providers.map((provider) => provider.id).join(", ")}.`,
      "A service of your own needs its address in config.toml first:",
      `  [providers.${/^[\w-]+$/.test(id) ? id : "NAME"}]`,
      '  base_url = "https://example.com/v1"',
    ].join("\n"),
    exit: EXIT.usage,
  });
}

/** People write `ollama` for ollama-cloud and `nvidia-nim` for nvidia: that is nearer than any slip of the finger. */
function nearProvider(id: string, providers: readonly Provider[]): string | undefined {
  const word = id.toLowerCase();
  const kin = providers.find(({ id: one }) => one.startsWith(`${word}-`) || word.startsWith(`${one}-`));
  return (
    kin?.id ??
    nearest(
      word,
      providers.map((provider) => provider.id),
    )
  );
}
