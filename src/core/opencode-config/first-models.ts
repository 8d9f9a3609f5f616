import { defaultModels } from "../catalog/default-models.ts";

/** What a fresh OmniRoute offers, and what its own guide begins with; `auto` picks among whatever accounts it has. */
const OMNIROUTE = [
  "auto",
  "claude-opus-4-5-thinking",
  "claude-sonnet-4-5-thinking",
  "gemini-3.1-pro-high",
  "gemini-3-flash",
];

/** The models that a provider's entry begins with where nobody has named any; none for most providers. */
export function firstModels(provider: string): string[] {
  return provider === "omniroute" ? [...OMNIROUTE] : defaultModels(provider).map((model) => model.id);
}
