import type { ModelMetadata, ModelMetadataRule, ProviderConfig, ProviderModel } from "./provider-config.ts";

/** The models with what their user says of them, and those that only the user knows. Later rules win, field by field. */
export function applyMetadata(
  models: readonly ProviderModel[],
  metadata: ProviderConfig["modelMetadata"],
  provider: string,
): ProviderModel[] {
  const rules = rulesOf(metadata).map((rule) => ({ ...rule, match: bareId(rule.match, provider) }));
  const listed = new Set(models.map((model) => model.id));
  const missing = rules.flatMap(({ match, addIfMissing }) =>
    addIfMissing === true && typeof match === "string" && !listed.has(match) ? [match] : [],
  );
  const added = [...new Set(missing)].map((id) => ({ id, name: id }));
  return [...models, ...added].map((model) => {
    const fitting = rules.filter((rule) => covers(rule, model.id));
    return Object.assign({ ...model }, ...fitting.map(fieldsOf));
  });
}

function rulesOf(metadata: ProviderConfig["modelMetadata"]): readonly ModelMetadataRule[] {
  if (metadata === undefined || Array.isArray(metadata)) return metadata ?? [];
  return Object.entries(metadata).map(([match, rule]) => ({ ...rule, match }));
}

/** Users write `omniroute/auto` as well as `auto`. */
function bareId(match: string | RegExp, provider: string): string | RegExp {
  return typeof match === "string" && match.startsWith(`${provider}/`)
    ? match.slice(provider.length + 1)
    : match;
}

/** `search` starts at the beginning each time, also with a pattern that is global and would remember where it was. */
function covers({ match }: ModelMetadataRule, id: string): boolean {
  return typeof match === "string" ? match === id : id.search(match) >= 0;
}

function fieldsOf({ match: _, addIfMissing: __, ...fields }: ModelMetadataRule): ModelMetadata {
  // A field that is written as undefined says nothing.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
