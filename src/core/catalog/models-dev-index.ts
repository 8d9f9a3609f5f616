import { modelNameKey, nameTails, withoutEffort } from "./model-name-key.ts";
import { aliasedProvider } from "./provider-aliases.ts";
import type { KnownModel, ModelsDev } from "./read-models-dev.ts";

type ByName = Map<string, KnownModel[]>;

/**
 * Finds models in models.dev, whatever they are called. Better nothing than the wrong one: a window that is not the
 * model's breaks a conversation. What is built for a search is kept for the next.
 */
export class ModelsDevIndex {
  readonly #read: () => ModelsDev | undefined;
  readonly #aliases: Readonly<Record<string, string>>;
  #models: ModelsDev | undefined;
  readonly #keysOf = new Map<string, ByName>();
  #everywhere: { byName: ByName; byKey: ByName } | undefined;

  /** `read` is called when the first model is looked for: many runs never look for one. */
  constructor(read: () => ModelsDev | undefined, aliases: Readonly<Record<string, string>> = {}) {
    this.#read = read;
    this.#aliases = aliases;
  }

  get #modelsDev(): ModelsDev {
    this.#models ??= this.#read() ?? new Map();
    return this.#models;
  }

  /** What models.dev lists of a provider. */
  modelsOf(provider: string): KnownModel[] {
    return [...(this.#modelsDev.get(aliasedProvider(provider, this.#aliases))?.values() ?? [])];
  }

  /**
   * A provider's model. First by the provider itself, then by the one that the id names before its first slash, then by
   * the name alone. What other hosts charge is no price of this one.
   */
  find(provider: string, id: string): KnownModel | undefined {
    const own = this.#findAt(aliasedProvider(provider, this.#aliases), id);
    if (own !== undefined) return own;
    const slash = id.indexOf("/");
    const named =
      slash <= 0
        ? undefined
        : this.#findAt(aliasedProvider(id.slice(0, slash), this.#aliases), id.slice(slash + 1));
    if (named !== undefined) return named;
    const alike = this.#findAnywhere(id);
    return alike === undefined ? undefined : { ...alike, cost: undefined };
  }

  #findAt(provider: string, id: string): KnownModel | undefined {
    const models = this.#modelsDev.get(provider);
    if (models === undefined) return undefined;
    const tails = nameTails(id);
    for (const tail of tails) {
      const exact = models.get(tail);
      if (exact !== undefined) return exact;
    }
    let keys = this.#keysOf.get(provider);
    if (keys === undefined) {
      keys = grouped(models.values(), (model) => modelNameKey(model.id));
      this.#keysOf.set(provider, keys);
    }
    return findByKey(keys, tails);
  }

  #findAnywhere(id: string): KnownModel | undefined {
    const name = id.slice(id.lastIndexOf("/") + 1);
    // `auto`, `fast`, `coding`: every gateway means something else by these.
    if (!/\d/.test(name)) return undefined;
    this.#everywhere ??= indexOfAll(this.#modelsDev);
    const { byName, byKey } = this.#everywhere;
    return usual(byName.get(name.toLowerCase())) ?? findByKey(byKey, [name]);
  }
}

function indexOfAll(modelsDev: ModelsDev): { byName: ByName; byKey: ByName } {
  const all = [...modelsDev.values()].flatMap((models) => [...models.values()]);
  const lastPart = (model: KnownModel) => model.id.slice(model.id.lastIndexOf("/") + 1);
  return {
    byName: grouped(all, (model) => lastPart(model).toLowerCase()),
    byKey: grouped(all, (model) => modelNameKey(lastPart(model))),
  };
}

function findByKey(keys: ByName, names: readonly string[]): KnownModel | undefined {
  const wanted = names.map(modelNameKey);
  const calmer = wanted.flatMap((key) => withoutEffort(key) ?? []).map(modelNameKey);
  for (const key of [...wanted, ...calmer]) {
    const found = usual(keys.get(key));
    if (found !== undefined) return found;
  }
  return undefined;
}

function grouped(models: Iterable<KnownModel>, keyOf: (model: KnownModel) => string): ByName {
  const groups: ByName = new Map();
  for (const model of models) {
    const key = keyOf(model);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [model]);
    else group.push(model);
  }
  return groups;
}

/** Hosts of one model differ in its limits: the commonest are its own, and of equally common ones the smaller are safe. */
function usual(models: readonly KnownModel[] | undefined): KnownModel | undefined {
  if (models === undefined || models.length < 2) return models?.[0];
  const withContext = commonest(models, (model) => model.context);
  const [chosen] = commonest(withContext, (model) => model.output);
  // A model that can call tools can do so anywhere; one host's omission must not take them away.
  return chosen === undefined || !models.some((model) => model.toolCall === true)
    ? chosen
    : { ...chosen, toolCall: true };
}

function commonest(
  models: readonly KnownModel[],
  limitOf: (model: KnownModel) => number | undefined,
): KnownModel[] {
  const groups = Map.groupBy(models, limitOf);
  const ranked = [...groups].sort(
    ([a, first], [b, second]) => second.length - first.length || (a ?? Infinity) - (b ?? Infinity),
  );
  return ranked[0]?.[1] ?? [];
}
