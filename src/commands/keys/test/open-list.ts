import type { Provider } from "../../../core/settings/provider.ts";

/** Whether a provider shows its models to anyone: then its list says nothing about a key. Asked once per provider. */
export function openListFinder(signal: AbortSignal): (provider: Provider) => Promise<boolean> {
  const answers = new Map<string, Promise<boolean>>();
  return (provider) => {
    const known = answers.get(provider.id) ?? opensToAnyone(provider.baseUrl, signal);
    answers.set(provider.id, known);
    return known;
  };
}

async function opensToAnyone(baseUrl: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(`${baseUrl}/models`, { redirect: "manual", signal });
    void response.body?.cancel().catch(() => {});
    return response.ok;
  } catch {
    // The same call has just gone well with a key: that much holds.
    return false;
  }
}
