import { normalizeBaseUrl } from "../settings/base-url.ts";
import type { Provider } from "../settings/provider.ts";
import { isProviderId } from "../settings/settings-checks.ts";

/** What the older tools for Ollama Cloud call their provider, and where its address stands. */
export interface ImportHome {
  /** The tool's own word for the provider, where it has one. */
  id: string | undefined;
  /** The address that opencode's config has for it. */
  baseUrl: string | undefined;
}

/** Whom imported keys belong to. With `baseUrl`: one that has to be written into config.toml first. */
export interface ImportOwner {
  id: string;
  baseUrl?: string;
}

const OLLAMA = "ollama-cloud";

/** Keys of an older tool are Ollama Cloud's, unless its provider was given another address. */
export function importProvider({ id, baseUrl }: ImportHome, providers: readonly Provider[]): ImportOwner {
  const address = baseUrl === undefined ? undefined : normalizeBaseUrl(baseUrl);
  if (address === undefined) return { id: OLLAMA };
  const known = providers.find((provider) => provider.baseUrl === address);
  if (known !== undefined) return { id: known.id };
  if (["ollama.com", "www.ollama.com"].includes(URL.parse(address)?.hostname ?? "")) return { id: OLLAMA };
  const isTaken = providers.some((provider) => provider.id === id);
  const own = id === undefined || isTaken || !isProviderId(id) ? "imported" : id;
  return { id: own, baseUrl: address };
}
