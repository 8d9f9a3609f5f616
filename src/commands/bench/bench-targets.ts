import { PATIENCE } from "../../catalog/patience.ts";
import { looksLikeSecret } from "../../cli/looks-like-secret.ts";
import { secretInWords } from "../../cli/usage-problem.ts";
import { unknownChain } from "../../config/edit-chains.ts";
import { CHAIN_PROVIDER, formatModelRef, parseModelRef } from "../../core/model-ref.ts";
import { firstModels } from "../../core/opencode-config/first-models.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { namedModels } from "../../core/routing/targets.ts";
import { chainNamed, expandModels } from "../../core/settings/chains.ts";
import { findProvider } from "../keys/find-provider.ts";
import { findModel } from "../models/find-model.ts";
import { openCatalog, providersWithKey } from "../models/open-catalog.ts";
import type { World } from "../world.ts";

/** The models to measure, and whose choice they are. */
export interface BenchTargets {
  models: string[];
  from: "named" | "chains" | "defaults" | "all";
}

/** Where nobody has chosen any, some of each provider will do: every call costs tokens. */
const DEFAULTS_EACH = 3;

/** What the words of a call name; without any, the models of chains and fallbacks, else a few that are usual. */
export async function benchTargets(
  world: World,
  words: readonly string[],
  isAll: boolean,
): Promise<BenchTargets> {
  const targets = await findTargets(world, words, isAll);
  if (targets.models.length > 0) return targets;
  throw new Problem({
    code: "no-models",
    what: "There is no model to measure.",
    fix: "Name one: orouter bench PROVIDER/MODEL; see what there is with: orouter models list",
    exit: EXIT.usage,
  });
}

async function findTargets(world: World, words: readonly string[], isAll: boolean): Promise<BenchTargets> {
  if (isAll) return { models: await allModels(world), from: "all" };
  if (words.length > 0) {
    const models: string[] = [];
    for (const word of words) models.push(...(await modelsNamed(word, world)));
    return { models: [...new Set(models)], from: "named" };
  }
  const chosen = namedModels(world.settings).map(formatModelRef);
  if (chosen.length > 0) return { models: chosen, from: "chains" };
  const usual = providersWithKey(world).flatMap(({ id, models }) =>
    (models.length > 0 ? models : firstModels(id)).slice(0, DEFAULTS_EACH).map((model) => `${id}/${model}`),
  );
  return { models: usual, from: "defaults" };
}

async function modelsNamed(word: string, world: World): Promise<string[]> {
  const { settings } = world;
  const chain = chainNamed(word);
  if (chain !== undefined && Object.hasOwn(settings.chains, chain))
    return expandModels([chain], settings.chains);
  const ref = parseModelRef(word);
  if (ref?.provider === CHAIN_PROVIDER) {
    if (looksLikeSecret(ref.model)) throw secretInWords();
    throw unknownChain(ref.model, Object.keys(settings.chains));
  }
  if (ref !== undefined) {
    // A model that no list knows may be there all the same: its provider will tell.
    findProvider(settings, ref.provider);
    return [word];
  }
  const { catalog } = await openCatalog(world, PATIENCE.info);
  const found = findModel(word, catalog, world);
  return [`${found.provider}/${found.id}`];
}

async function allModels(world: World): Promise<string[]> {
  const { catalog } = await openCatalog(world, PATIENCE.list);
  return providersWithKey(world).flatMap(({ id }) =>
    catalog
      .modelsOf(id)
      .filter((entry) => !entry.isRetired)
      .map((entry) => `${id}/${entry.id}`),
  );
}
