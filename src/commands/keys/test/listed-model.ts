import { askProvider } from "../../../catalog/ask-provider.ts";
import { isChatModel } from "../../../core/catalog/is-chat-model.ts";
import type { Key } from "../../../core/key.ts";
import type { Provider } from "../../../core/settings/provider.ts";

/** A chat model that a provider lists, for a key to be tried with. */
export async function listedModel(
  provider: Provider,
  key: Key,
  signal: AbortSignal,
): Promise<string | undefined> {
  const answer = await askProvider(provider, [key.secret], signal);
  const models = answer.kind === "list" ? answer.list.models : [];
  return models.find(({ id }) => isChatModel(id))?.id;
}
